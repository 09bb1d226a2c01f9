// Turns SGR escape sequences into the classes and colours of text.

/** How a run of text looks. */
export interface Style {
  /** Classes of `CONSOLE_CSS`, separated by spaces. */
  readonly classes: string;
  /** A CSS colour that is not of the palette, or nothing. */
  readonly color: string;
  /** The same behind the text. */
  readonly background: string;
}

/** An index of the palette of 16, or a CSS colour. The default if undefined. */
type Color = number | string | undefined;

export const PLAIN: Style = { classes: "", color: "", background: "" };

export function isSameStyle(one: Style, other: Style): boolean {
  if (one === other) return true;
  return one.classes === other.classes && one.color === other.color && one.background === other.background;
}

/** A style of one class. */
export function styleOf(classes: string): Style {
  return { ...PLAIN, classes };
}

const ON: Record<number, string> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
  21: "underline",
};
const OFF: Record<number, readonly string[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
};

/** What the SGR sequences of a stream have set. */
export class Rendition {
  private foreground: Color;
  private background: Color;
  private readonly flags = new Set<string>();

  /** Applies the parameters of one sequence, such as `1;31` or `38;2;255;0;0`. */
  apply(parameters: string): void {
    const parts = parameters.split(";");
    while (parts.length > 0) {
      const [code = 0, ...details] = (parts.shift() ?? "").split(":").map(Number);
      if (code === 38 || code === 48 || code === 58) this.setColor(code, colorOf(details, parts));
      else if (code === 4 && details[0] === 0) this.flags.delete("underline");
      else this.set(code);
    }
  }

  reset(): void {
    this.foreground = this.background = undefined;
    this.flags.clear();
  }

  /** The style of text that has `base` as its class where nothing is set. */
  style(base: string): Style {
    const isInverse = this.flags.has("inverse");
    const [front, back] = isInverse ? [this.background, this.foreground] : [this.foreground, this.background];
    const classes = [base, ...this.flags].filter((name) => name !== "" && name !== "inverse");
    if (typeof front === "number") classes.push(`fg-${front}`);
    if (typeof back === "number") classes.push(isInverse ? `on-${back}` : `bg-${back}`);
    if (isInverse && front === undefined && typeof back !== "string") classes.push("fg-surface");
    if (isInverse && back === undefined) classes.push("on-text");
    const background = typeof back === "string" ? back : "";
    const color = typeof front === "string" ? front : front === undefined && background ? readableOn(background) : "";
    return { classes: classes.join(" "), color, background };
  }

  private set(code: number): void {
    const flag = ON[code];
    if (code === 0) this.reset();
    else if (flag !== undefined) this.flags.add(flag);
    else if (code >= 30 && code <= 37) this.foreground = code - 30;
    else if (code === 39) this.foreground = undefined;
    else if (code >= 40 && code <= 47) this.background = code - 40;
    else if (code === 49) this.background = undefined;
    else if (code >= 90 && code <= 97) this.foreground = code - 82;
    else if (code >= 100 && code <= 107) this.background = code - 92;
    for (const name of OFF[code] ?? []) this.flags.delete(name);
  }

  private setColor(code: number, color: Color): void {
    if (color === undefined) return;
    if (code === 38) this.foreground = color;
    if (code === 48) this.background = color;
  }
}

/** The colour that follows 38 or 48: after colons in the same part, or in the parts after it, which it takes out. */
function colorOf(details: number[], parts: string[]): Color {
  // After a colon, the number of a colour space may stand before the three of red, green and blue.
  if (details.length > 4) details.splice(1, 1);
  const [kind, ...values] = details.length > 0 ? details : parts.splice(0, parts[0] === "5" ? 2 : 4).map(Number);
  const [first = 0, second = 0, third = 0] = values;
  if (!values.every((value) => value >= 0 && value <= 255)) return undefined;
  if (kind === 5) return indexedColor(first);
  return kind === 2 ? hexadecimal([first, second, third]) : undefined;
}

/** A colour of the 256: the palette, a cube of 6 × 6 × 6, and 24 greys. */
function indexedColor(index: number): Color {
  if (index < 16) return index;
  if (index >= 232) return hexadecimal(Array<number>(3).fill(8 + 10 * (index - 232)));
  const cube = index - 16;
  const digits = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return hexadecimal(digits.map((digit) => (digit === 0 ? 0 : 55 + 40 * digit)));
}

function hexadecimal(values: readonly number[]): string {
  return `#${values.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Black or white, whichever can be read on this colour. */
function readableOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
  return 299 * red + 587 * green + 114 * blue > 128_000 ? "#000000" : "#ffffff";
}
