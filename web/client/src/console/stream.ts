// Carries out the control characters and escape sequences that a program writes to one of its streams.

import { controlPicture, type EscapeActions, EscapeParser } from "./escapes.js";
import type { Screen } from "./screen.js";
import { Rendition, type Style } from "./style.js";

/** Each stream has its own colours, and its own beginning of a sequence; the cursor is common. */
export class TerminalStream implements EscapeActions {
  private parser = new EscapeParser(this);
  private readonly rendition = new Rendition();
  private style: Style;

  constructor(
    private readonly screen: Screen,
    private readonly base: string,
  ) {
    this.style = this.rendition.style(base);
  }

  write(piece: string): void {
    this.parser.feed(piece);
  }

  reset(): void {
    this.parser = new EscapeParser(this);
    this.resetStyle();
  }

  text(text: string): void {
    this.screen.put(text, this.style);
  }

  control(unit: string): void {
    const { screen } = this;
    if (unit === "\n") screen.lineFeed();
    else if (unit === "\r") screen.moveTo(0);
    else if (unit === "\b") screen.moveBy(-1, 0);
    else if (unit === "\t") screen.tab();
    else screen.put(controlPicture(unit), this.style);
  }

  escape(unit: string): void {
    const { screen } = this;
    if (unit === "E" || unit === "D") screen.lineFeed();
    else if (unit === "M") screen.moveBy(0, -1);
    else if (unit === "c") {
      screen.clear();
      this.resetStyle();
    }
  }

  sequence(final: string, parameters: string): void {
    if (final === "m" && /^[\d;:]*$/.test(parameters)) {
      this.rendition.apply(parameters);
      this.style = this.rendition.style(this.base);
    } else if (/^[\d;]*$/.test(parameters)) {
      const [first, second] = parameters.split(";").map(Number);
      this.command(final, first ?? 0, second ?? 0);
    }
  }

  private command(final: string, first: number, second: number): void {
    const { screen } = this;
    const count = first || 1;
    switch (final) {
      case "A":
        return screen.moveBy(0, -count);
      case "B":
        return screen.moveBy(0, count);
      case "C":
        return screen.moveBy(count, 0);
      case "D":
        return screen.moveBy(-count, 0);
      case "E":
      case "F":
        screen.moveTo(0);
        return screen.moveBy(0, final === "E" ? count : -count);
      case "G":
        return screen.moveTo(count - 1);
      case "H":
      case "f":
        screen.moveToRow(count - 1);
        return screen.moveTo((second || 1) - 1);
      case "J":
        if (first === 0) screen.eraseBelow();
        if (first === 2 || first === 3) screen.clear();
        return;
      case "K":
        return screen.eraseLine(first);
    }
  }

  private resetStyle(): void {
    this.rendition.reset();
    this.style = this.rendition.style(this.base);
  }
}
