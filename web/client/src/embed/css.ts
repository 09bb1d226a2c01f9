// Gives a snippet its look.

import { COLOR_PROPERTIES, FONT, UNSEEN } from "../console/css.js";

/** Colours are those of the console, and follow the `color-scheme` of the page. */
export const SNIPPET_CSS = `
:host { display: block; margin-block: 1em; contain: layout style }
:host([hidden]), [hidden] { display: none !important }
.snippet {
  ${COLOR_PROPERTIES}
  overflow: hidden; border: 1px solid var(--_line); border-radius: var(--coderun-radius, 8px);
  color: var(--_text); background: var(--_surface); font: 400 max(.875rem, 13px)/1.45 system-ui, sans-serif;
  text-align: start; text-indent: 0; text-transform: none; letter-spacing: normal; word-spacing: normal; hyphens: none;
}
textarea {
  display: block; box-sizing: border-box; width: 100%; max-height: var(--coderun-code-height, none); margin: 0;
  padding: .8em; border: 0; outline-offset: -2px; resize: none; overflow: auto; color: inherit; background: none;
  direction: ltr; tab-size: 4;
  font: max(.875rem, 13px)/1.5 ${FONT};
}
textarea:focus-visible, button:focus-visible { outline: 2px solid var(--_accent) }
.toolbar {
  display: flex; flex-wrap: wrap; align-items: center; gap: .5em .7em; padding: .5em .8em; border-top: 1px solid var(--_line);
}
button {
  display: inline-flex; align-items: center; gap: .5em; margin: 0; padding: .35em .9em; cursor: pointer;
  border: 1px solid var(--_line); border-radius: calc(var(--coderun-radius, 8px) * .75);
  color: inherit; background: none; font: inherit; outline-offset: 2px;
}
button:hover { border-color: currentcolor }
.run { border-color: var(--_accent); color: var(--_surface); background: var(--_accent); font-weight: 600 }
.run::before {
  content: ""; width: .65em; height: .75em; background: currentcolor; clip-path: polygon(0 0, 100% 50%, 0 100%);
}
.active .run { color: var(--_accent); background: none }
.active .run::before { clip-path: none; height: .65em }
.status { flex: 1 1 12em; min-width: 0; color: var(--_muted); white-space: pre-line; overflow-wrap: anywhere }
.failed .status { color: var(--_error) }
.console {
  max-height: var(--coderun-console-height, 20em); min-height: 3em; border-top: 1px solid var(--_line); overflow: hidden;
}
.hint { ${UNSEEN} }
@media (pointer: coarse) { textarea { font-size: 16px } button { padding-block: .6em } }
@media (forced-colors: active) { .run::before { background: ButtonText } }
@media print { .toolbar, .console { display: none } }
`;
