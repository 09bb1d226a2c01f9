// Splits output into text, control characters and escape sequences, which may be cut between pieces.

/** What is done with the parts of the output. */
export interface EscapeActions {
  /** Text without control characters. */
  text(text: string): void;
  /** A control character other than escape. */
  control(unit: string): void;
  /** A control sequence: `\x1b[`, parameters such as `1;31`, and a final character. */
  sequence(final: string, parameters: string): void;
  /** A short sequence: escape and this character. */
  escape(unit: string): void;
}

type State = "text" | "escape" | "designation" | "sequence" | "string";

const ESCAPE = "\x1b";
/** Characters below the space, delete, and those between ASCII and Latin 1. */
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;
/** Longer parameters are none that are known here. */
const PARAMETERS_MAX = 64;

export class EscapeParser {
  private state: State = "text";
  private parameters = "";

  constructor(private readonly actions: EscapeActions) {}

  feed(piece: string): void {
    for (let index = 0; index < piece.length;) {
      if (this.state === "text") index = this.readText(piece, index);
      else if (this.readUnit(piece.charAt(index))) index += 1;
    }
  }

  /** Reads text up to the next control character and that: where the rest begins. */
  private readText(piece: string, start: number): number {
    CONTROL.lastIndex = start;
    const end = CONTROL.exec(piece)?.index ?? piece.length;
    if (end > start) this.actions.text(piece.slice(start, end));
    if (end === piece.length) return end;
    const unit = piece.charAt(end);
    if (unit === ESCAPE) this.state = "escape";
    else this.actions.control(unit);
    return end + 1;
  }

  /** Reads one character of a sequence. False if the sequence ends before it. */
  private readUnit(unit: string): boolean {
    const { state } = this;
    if (unit === ESCAPE) {
      this.state = "escape";
      return true;
    }
    if (unit < " ") {
      // A line's end ends a string, too, so that one that is never closed hides no more than its line.
      this.state = "text";
      return unit === "\x18" || unit === "\x1a" || (unit === "\x07" && state === "string");
    }
    if (state === "string") return true;
    this.state = "text";
    if (unit > "~") return false;
    if (state === "sequence") this.readSequence(unit);
    else if (unit < "0") this.state = "designation";
    else if (state === "escape") this.readEscape(unit);
    return true;
  }

  private readEscape(unit: string): void {
    this.parameters = "";
    if (unit === "[") this.state = "sequence";
    else if ("]PX^_".includes(unit)) this.state = "string";
    else this.actions.escape(unit);
  }

  private readSequence(unit: string): void {
    if (unit >= "@") return this.actions.sequence(unit, this.parameters);
    this.state = "sequence";
    if (this.parameters.length < PARAMETERS_MAX) this.parameters += unit;
  }
}

/** A visible character in place of a control character. */
export function controlPicture(unit: string): string {
  const code = unit.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
}
