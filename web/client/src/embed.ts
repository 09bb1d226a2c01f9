// Defines the element `<coderun-snippet>`, which makes a block of code in a page runnable.

import { configure, type SnippetOptions, type TokenFunction } from "./embed/clients.js";
import { SnippetElement } from "./embed/element.js";

export { SnippetElement, type SnippetOptions, type TokenFunction };

const NAME = "coderun-snippet";

declare global {
  interface HTMLElementTagNameMap {
    "coderun-snippet": SnippetElement;
  }
}

/** Defines the element. Of several calls, the options of the last one hold for programs that run after it. */
export function defineSnippet(options: SnippetOptions = {}): void {
  configure(options);
  if (!customElements.get(NAME)) customElements.define(NAME, SnippetElement);
}
