// Shows the lines of a screen in the page, and touches only those that have changed.

import { type ConsoleLink, make, showLine } from "./elements.js";
import type { Screen } from "./screen.js";

/** The browser leaves out blocks of so many lines while they are out of sight. */
const BLOCK_LINES = 100;

export class LogView {
  readonly element = make("div", "log", { role: "log", "aria-label": "Output" });
  /** The number of the first line that is shown. */
  private first = 0;
  private elements: HTMLElement[] = [];
  private block: HTMLElement | undefined;
  private blockLines = 0;

  constructor(
    private readonly screen: Screen,
    private readonly findLinks: (line: string) => readonly ConsoleLink[],
  ) {}

  /** Shows all lines, or those before the last one. */
  draw(hasLast: boolean): void {
    const { screen } = this;
    const changed = screen.takeChanged();
    const last = screen.end - 1;
    const end = hasLast && screen.line(last).length > 0 ? last + 1 : last;
    this.removeBefore(screen.first);
    this.removeFrom(end);
    const drawnEnd = this.first + this.elements.length;
    for (const number of changed) if (number < drawnEnd) this.show(number);
    for (let number = drawnEnd; number < end; number += 1) {
      this.elements.push(this.addElement());
      this.show(number);
    }
  }

  private show(number: number): void {
    const element = this.elements[number - this.first];
    if (!element) return;
    const line = this.screen.line(number);
    showLine(element, line, this.findLinks(line.text));
  }

  private addElement(): HTMLElement {
    if (!this.block || this.blockLines === BLOCK_LINES) {
      this.block = make("div", "block");
      this.blockLines = 0;
      this.element.append(this.block);
    }
    const element = make("div", "line");
    this.block.append(element);
    this.blockLines += 1;
    return element;
  }

  private removeBefore(number: number): void {
    if (number >= this.first + this.elements.length) {
      this.element.replaceChildren();
      this.elements = [];
      this.block = undefined;
    } else {
      for (const element of this.elements.splice(0, number - this.first)) this.remove(element);
    }
    this.first = number;
  }

  private removeFrom(number: number): void {
    for (const element of this.elements.splice(Math.max(0, number - this.first))) {
      this.blockLines -= 1;
      this.remove(element);
    }
  }

  private remove(element: HTMLElement): void {
    const block = element.parentElement;
    element.remove();
    if (block === null || block.firstChild !== null) return;
    block.remove();
    if (block === this.block) this.block = undefined;
  }
}
