// Makes the elements of a console.

import type { Line, Run } from "./line.js";

/** A part of a line that leads to a place, such as a line of the program. */
export interface ConsoleLink {
  /** The columns, from 0. */
  start: number;
  end: number;
  /** Where it leads to, as a description. */
  label: string;
  follow(): void;
}

/** A new element with a class. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  classes: string,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.className = classes;
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}

/** Shows a line, with its links, in place of what an element has. */
export function showLine(element: HTMLElement, line: Line, links: readonly ConsoleLink[] = []): void {
  const nodes: Node[] = [];
  let column = 0;
  for (const link of links) {
    // One that overlaps the link before it is none.
    if (link.start < column || link.end <= link.start || link.end > line.length) continue;
    nodes.push(...textNodes(line.runs, column, link.start), linkElement(line.runs, link));
    column = link.end;
  }
  nodes.push(...textNodes(line.runs, column, line.length));
  // An empty element would have no height, and would be left out when its text is copied.
  if (nodes.length === 0) nodes.push(document.createElement("br"));
  element.replaceChildren(...nodes);
}

/** These columns of a line. */
function textNodes(runs: readonly Run[], from: number, to: number): Node[] {
  const nodes: Node[] = [];
  let start = 0;
  for (const { text, style } of runs) {
    const end = start + text.length;
    if (start < to && end > from) {
      const part = text.slice(Math.max(0, from - start), to - start);
      nodes.push(style.classes || style.color || style.background ? styledElement(part, style) : new Text(part));
    }
    start = end;
  }
  return nodes;
}

function styledElement(text: string, { classes, color, background }: Run["style"]): HTMLElement {
  const element = make("span", classes);
  element.textContent = text;
  // By properties, because a page's content security policy may forbid attributes.
  if (color) element.style.color = color;
  if (background) element.style.backgroundColor = background;
  return element;
}

/** A link whose text can be selected and copied as that around it. */
function linkElement(runs: readonly Run[], { start, end, label, follow }: ConsoleLink): HTMLElement {
  const element = make("span", "link", { role: "link", tabindex: "0", title: label });
  element.append(...textNodes(runs, start, end));
  element.addEventListener("click", follow);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter") follow();
  });
  return element;
}
