// Keeps the lines that a console shows, and the cursor of a simple terminal.

import { controlPicture } from "./escapes.js";
import { Line } from "./line.js";
import { TerminalStream } from "./stream.js";
import { type Style, styleOf } from "./style.js";

/** Who has written a piece of text: the program, its user, or the page. */
export type Source = "stdout" | "stderr" | "input" | "note";

/** How much is kept, in lines and in characters. */
const LINES_MAX = 5_000;
const SIZE_MAX = 1024 * 1024;
/** Where a line is broken, in characters and in runs of one style. */
const LINE_MAX = 64 * 1024;
const RUNS_MAX = 4_000;
/** The size of the terminal, for the cursor: it goes no further up than this from the end, nor to the right. */
const ROWS = 50;
const COLUMNS = 1_000;

export class Screen {
  /** The number of the first line that is kept. Lines are counted from the beginning, also those that are gone. */
  first = 0;
  /** How many lines were dropped since the screen was cleared. */
  hidden = 0;
  private lines = [new Line()];
  private size = this.line(0).cost;
  private row = 0;
  private column = 0;
  /** The lines below this number were there at the last call of `takeChanged`. */
  private seen = 0;
  private changed = new Set<number>();
  private readonly streams = { stdout: new TerminalStream(this, ""), stderr: new TerminalStream(this, "stderr") };

  /** The number after that of the last line. There always is a last line, which may be empty. */
  get end(): number {
    return this.first + this.lines.length;
  }

  get text(): string {
    return this.lines.map((line) => line.text).join("\n");
  }

  /** The line of this number, from `first` to `end`. */
  line(number: number): Line {
    return this.lines[number - this.first] ?? new Line();
  }

  /** The lines that have changed since the last call, of those that were there then. */
  takeChanged(): Iterable<number> {
    const { changed } = this;
    this.changed = new Set();
    this.seen = this.end;
    return changed;
  }

  write(source: Source, text: string): void {
    if (source === "input") this.writePlain(text, styleOf("input"));
    else if (source === "note") this.writeNote(text);
    else this.streams[source].write(text);
  }

  /** Removes all lines. */
  clear(): void {
    this.first = this.row = this.end;
    this.column = this.hidden = 0;
    this.lines = [new Line()];
    this.size = this.line(this.first).cost;
  }

  /** Removes all lines, and what escape sequences have set. */
  reset(): void {
    this.clear();
    for (const stream of Object.values(this.streams)) stream.reset();
  }

  /** Writes text without control characters at the cursor, which moves behind it. */
  put(text: string, style: Style): void {
    for (let start = 0; start < text.length;) {
      const line = this.line(this.row);
      const isFull = this.column >= line.length && line.runs.length >= RUNS_MAX;
      if (isFull || this.column >= LINE_MAX) {
        this.lineFeed();
        continue;
      }
      const part = text.slice(start, start + LINE_MAX - this.column);
      this.edit(() => line.put(this.column, part, style));
      this.column += part.length;
      start += part.length;
    }
  }

  /** Moves the cursor to the beginning of the next line. */
  lineFeed(): void {
    // A line that the cursor leaves is complete.
    this.touch(this.row);
    this.row += 1;
    this.column = 0;
    this.addLines();
  }

  /** Moves the cursor in its line. */
  moveTo(column: number): void {
    this.column = Math.max(0, Math.min(column, Math.max(COLUMNS, this.column)));
  }

  /** Moves the cursor by so many columns and rows, as far as the terminal goes. */
  moveBy(columns: number, rows: number): void {
    this.moveTo(this.column + columns);
    this.moveToRow(this.row - this.top + rows);
  }

  /** Moves the cursor to a row of the terminal, from 0. */
  moveToRow(row: number): void {
    const { top } = this;
    this.row = Math.max(top, Math.min(top + row, top + ROWS - 1));
    this.addLines();
  }

  tab(): void {
    this.column += 8 - (this.column % 8);
  }

  /** Erases the line after the cursor (0), before it (1), or all of it (2). */
  eraseLine(part: number): void {
    const { column } = this;
    const [start, end] = part === 0 ? [column] : part === 1 ? [0, column + 1] : [0];
    this.edit((line) => line.erase(start, end));
  }

  /** Erases what is after the cursor. */
  eraseBelow(): void {
    this.eraseLine(0);
    const { row } = this;
    for (this.row += 1; this.row < this.end; this.row += 1) this.eraseLine(2);
    this.row = row;
  }

  /** The number of the terminal's first row. */
  private get top(): number {
    return Math.max(this.first, this.end - ROWS);
  }

  /** Writes lines whose control characters have no effect. */
  private writePlain(text: string, style: Style): void {
    for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
      if (index > 0) this.lineFeed();
      this.put(line.replace(/[\x00-\x1f\x7f-\x9f]/g, controlPicture), style);
    }
  }

  /** Writes lines of their own below all others. */
  private writeNote(text: string): void {
    this.row = this.end - 1;
    if (this.line(this.row).length > 0) this.lineFeed();
    this.column = 0;
    this.writePlain(text.replace(/\n$/, ""), styleOf("note"));
    this.lineFeed();
  }

  private edit(change: (line: Line) => void): void {
    const line = this.line(this.row);
    this.size -= line.cost;
    change(line);
    this.size += line.cost;
    this.touch(this.row);
    this.trim();
  }

  private touch(row: number): void {
    if (row < this.seen) this.changed.add(row);
  }

  /** Adds lines until the cursor is in one. */
  private addLines(): void {
    while (this.row >= this.end) {
      const line = new Line();
      this.lines.push(line);
      this.size += line.cost;
    }
    this.trim();
  }

  /** Drops the first lines if there are too many. */
  private trim(): void {
    while ((this.lines.length > LINES_MAX || this.size > SIZE_MAX) && this.lines.length > 1) {
      this.size -= this.lines.shift()?.cost ?? 0;
      this.changed.delete(this.first);
      this.first += 1;
      this.hidden += 1;
      this.row = Math.max(this.row, this.first);
    }
  }
}
