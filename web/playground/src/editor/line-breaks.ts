// Keeps the line breaks of a text as they were while it is edited with plain ones.

export type LineBreak = "\n" | "\r\n";

/** How the lines of a text end: as on Windows only if all of them do. */
export function lineBreakOf(text: string): LineBreak {
  if (!text.includes("\r\n")) return "\n";
  return /(?<!\r)\n|\r(?!\n)/.test(text) ? "\n" : "\r\n";
}

/** The text as an editor has it. */
export function withPlainBreaks(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

/** The text of an editor with these line breaks. */
export function withBreaks(text: string, lineBreak: LineBreak): string {
  return lineBreak === "\n" ? text : text.replaceAll("\n", lineBreak);
}
