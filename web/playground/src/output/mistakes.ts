// Finds mistakes of the program in what compilers and interpreters print: the place of each, and what is said of it.

import type { Mistake } from "../model/program";
import { findPlaces, type Place } from "./places";

export { findPlaces, type Place } from "./places";

/** More than anyone reads; the first ones cause the rest. */
const MAX_TEXT = 200_000;
const MAX_LINE = 2_000;
const MAX_MISTAKES = 100;
const MAX_MESSAGE = 1_000;
/** How many lines a message is away from its place. */
const REACH = 10;

/** What a message begins with. Those of the second group explain another one. */
const SEVERITY = /^(?:(fatal error|fatal|error|warning)|(note|hint|help|info))\b(?:\[[^\]]*\])?[\s:]*(.*)$/is;
/** A line that says what is wrong where the place stands elsewhere. */
const STATEMENT = /^\s*(?:\w*Error|\w*Exception|fatal error|warning)\b/i;
/** What stands around stack frames without being a message. */
const NOT_A_MESSAGE =
  /^(?:"|#\d|Traceback|stack ?trace|stack backtrace|.*backtrace:$|goroutine \d|created by |CallStack|Execution )/i;
/** The functions that Go names between places. */
const FUNCTION = /^\w+(?:[./]\w+)*(?:\.\(\*?\w+\)(?:\.\w+)+)?\(.*\)$/;
const FRAME = /^\s|^#\d+\s|^(?:Called from|Raised|Re-raised|in expression starting|# Error @)/;

/** The mistakes in the order in which they are told. Of a stack trace, it is the place nearest to the cause. */
export function findMistakes(text: string, entry: string, files: readonly string[]): Mistake[] {
  const lines = text.slice(0, MAX_TEXT).split(/\r?\n/).map((line) => line.slice(0, MAX_LINE));
  return new MistakeReader(lines, (line) => findPlaces(line, entry, files)[0]).read();
}

class MistakeReader {
  private readonly mistakes = new Map<string, Mistake>();
  /** What was said last, and whose places may follow. */
  private raised: string | undefined;
  /** The last place of a traceback, which ends with its message. */
  private traced: Place | undefined;
  private isInTraceback = false;

  constructor(
    private readonly lines: readonly string[],
    private readonly find: (line: string) => Place | undefined,
  ) {}

  read(): Mistake[] {
    for (const index of this.lines.keys()) {
      if (this.mistakes.size >= MAX_MISTAKES) break;
      const place = this.find(this.line(index));
      if (place) this.readPlace(index, place);
      else this.readMessage(this.line(index));
    }
    return [...this.mistakes.values()];
  }

  private readMessage(line: string): void {
    if (line.startsWith("Traceback (most recent call last)")) this.isInTraceback = true;
    const isOther = line === "" || /^\s/.test(line) || /^\S+\(\d+\)\s/.test(line);
    if (isOther || NOT_A_MESSAGE.test(line) || FUNCTION.test(line)) return;
    if (this.traced) this.add(this.traced, line);
    this.traced = undefined;
    this.isInTraceback = false;
    this.raised = line;
  }

  private readPlace(index: number, place: Place): void {
    const line = this.line(index);
    const before = line.slice(0, place.start);
    const after = line.slice(place.end);
    if (/\bfrom $/.test(before) && /^[:,]?$/.test(after)) return;
    if (this.isInTraceback || /^\s+File "$/.test(before)) this.traced = place;
    else if (/(?:-->|└─)\s*$/.test(before)) this.add(place, this.statementAbove(index));
    else if (FRAME.test(line)) this.readFrame(place);
    else this.readStatement(index, place, before, after);
  }

  /** A frame belongs to what was said above; the first one is the nearest to it. */
  private readFrame(place: Place): void {
    if (this.raised !== undefined) this.add(place, this.raised);
    this.raised = undefined;
  }

  private readStatement(index: number, place: Place, before: string, after: string): void {
    this.raised = undefined;
    const column = place.column ?? this.caretBelow(index);
    this.add(column === undefined ? place : { ...place, column }, this.messageOf(index, before, after));
  }

  /** What a line says of the place that it tells. */
  private messageOf(index: number, before: string, after: string): string | undefined {
    const next = this.lines[index + 1];
    if (before === "At " || /\bpanicked at $/.test(before)) return next;
    if (after.includes("required from here")) return this.below(index, /\berror: /)?.replace(/^.*?\berror: /, "");
    const told = after.replace(/^["')\]]*[\s:,.]*/, "").replace(/^in [`'][^'`]*'[:\s]*/, "");
    const [, sentence] = /^(.*\S)\s+(?:at|in|on) $/.exec(before) ?? [];
    if (sentence !== undefined) return `${sentence} ${told}`;
    const [, , , rest] = SEVERITY.exec(told) ?? [];
    if (rest === "" || /^\[[^\]]*\]$/.test(rest ?? "")) return `${told} ${this.blockBelow(index)}`;
    if (/^-+$/.test(told)) return this.below(index, /^\s+\|\s+[^\s^]/)?.replace(/^[\s|]+/, "");
    if (told.startsWith("error: cannot find symbol")) return `${told}: ${this.symbolBelow(index)}`;
    const [, exception] = /^\*\* (\(.*\) )$/.exec(before) ?? [];
    if (told !== "") return `${exception ?? ""}${told}`;
    return this.statementBelow(index) ?? (before.trim() === "" ? undefined : this.line(index));
  }

  private statementAbove(index: number): string | undefined {
    for (let above = index - 1; above >= Math.max(0, index - REACH); above -= 1) {
      const line = this.line(above).trim();
      if (SEVERITY.test(line)) return line;
    }
    return undefined;
  }

  /** A message below its place, with the lines that continue it. */
  private statementBelow(index: number): string | undefined {
    const statement = this.below(index, STATEMENT);
    if (statement === undefined) return undefined;
    const [, ...rest] = this.lines.slice(this.lines.indexOf(statement, index));
    const end = rest.findIndex((line) => !/^ {5,}\S/.test(line) || this.find(line) !== undefined);
    return [statement, ...rest.slice(0, Math.max(end, 0))].map((line) => line.trim()).join(" ");
  }

  /** The first line below that matches, before the next place. */
  private below(index: number, pattern: RegExp): string | undefined {
    for (const line of this.lines.slice(index + 1, index + 1 + REACH)) {
      if (pattern.test(line)) return line;
      if (this.find(line) && !FRAME.test(line)) return undefined;
    }
    return undefined;
  }

  /** The first item of an indented explanation. */
  private blockBelow(index: number): string {
    const block = this.lines.slice(index + 1, index + 1 + REACH);
    const end = block.findIndex((line, place) => !/^\s+[^\s|]/.test(line) || (place > 0 && line.includes("•")));
    return block.slice(0, end < 0 ? REACH : end).map((line) => line.replace("•", "").trim()).join(" ");
  }

  /** The column of a caret under the line that is quoted below a place. */
  private caretBelow(index: number): number | undefined {
    const caret = this.lines[index + 2] ?? "";
    return /^\s*\^[\^~]*\s*$/.test(caret) ? caret.indexOf("^") + 1 : undefined;
  }

  private symbolBelow(index: number): string {
    return this.below(index, /^\s+symbol:/)?.replace(/^\s+symbol:\s*/, "") ?? "";
  }

  private add({ file, line, column }: Place, text: string | undefined): void {
    const message = messageFrom(text ?? "");
    if (message === undefined) return;
    const key = `${file}:${line}:${message}`;
    if (this.mistakes.has(key)) return;
    this.mistakes.set(key, { file, line, ...(column === undefined ? {} : { column }), message });
  }

  private line(index: number): string {
    return this.lines[index] ?? "";
  }
}

/** The message without what the page says itself. Undefined if it explains another one, or says nothing. */
function messageFrom(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^Exception in thread "[^"]*" /, "")
    .replace(/^(?:\*\*|PHP) /, "")
    .replace(/^ERROR: (?:LoadError: )?/, "")
    .replace(/[\s:]+$/, "");
  const [, severity, explanation, rest = bare] = SEVERITY.exec(bare) ?? [];
  if (explanation !== undefined || rest === "") return undefined;
  return (severity?.toLowerCase() === "warning" ? `warning: ${rest}` : rest).slice(0, MAX_MESSAGE);
}
