// Keeps one line of styled text, any part of which can be overwritten.

import { isSameStyle, PLAIN, type Style } from "./style.js";

/** Text of one style. */
export interface Run {
  text: string;
  readonly style: Style;
}

/** What a run, and a line, take beside their text, in characters, so that short ones are bounded, too. */
const RUN_COST = 16;

export class Line {
  readonly runs: Run[] = [];
  length = 0;

  /** How much the line takes of what is kept. */
  get cost(): number {
    return this.length + RUN_COST * (this.runs.length + 1);
  }

  get text(): string {
    return this.runs.map((run) => run.text).join("");
  }

  /** Writes text over what is in these columns. */
  put(column: number, text: string, style: Style): void {
    if (column > this.length) this.append(" ".repeat(column - this.length), PLAIN);
    if (column === this.length) return this.append(text, style);
    const first = this.cut(column);
    const last = this.cut(column + text.length);
    const before = this.runs[first - 1];
    const isJoined = before !== undefined && isSameStyle(before.style, style);
    if (isJoined) before.text += text;
    this.runs.splice(first, last - first, ...(isJoined ? [] : [{ text, style }]));
    this.length = Math.max(this.length, column + text.length);
  }

  /** Makes columns blank, up to the end of the line if there is no other. */
  erase(start: number, end = this.length): void {
    if (start >= this.length) return;
    if (end < this.length) return this.put(start, " ".repeat(end - start), PLAIN);
    this.runs.length = this.cut(start);
    this.length = start;
  }

  private append(text: string, style: Style): void {
    const last = this.runs.at(-1);
    if (last && isSameStyle(last.style, style)) last.text += text;
    else this.runs.push({ text, style });
    this.length += text.length;
  }

  /** Makes a run begin at this column: its index. */
  private cut(column: number): number {
    const { runs } = this;
    let index = 0;
    for (let start = 0; index < runs.length && start < column; index += 1) {
      const run = runs[index] as Run;
      start += run.text.length;
      if (start <= column) continue;
      const length = run.text.length - (start - column);
      runs.splice(index + 1, 0, { text: run.text.slice(length), style: run.style });
      run.text = run.text.slice(0, length);
    }
    return index;
  }
}
