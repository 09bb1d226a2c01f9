// Shows mistakes in the text: underlined, marked in the gutter, told on hover and by F8.

import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import type { EditorState, Extension, Line, TransactionSpec } from "@codemirror/state";

import type { Mistake } from "../model/program";

/** Compilers of these languages count a tab as all columns that it takes. */
const COUNTING_DISPLAY_COLUMNS = new Set(["c", "cpp"]);
const DISPLAY_TAB = 8;

export const mistakeGutter: Extension = lintGutter();

/** The change that shows these mistakes instead of those before. Positions outside of the text are moved into it. */
export function showMistakes(
  state: EditorState,
  mistakes: readonly Mistake[],
  language: string,
): TransactionSpec {
  const tabWidth = COUNTING_DISPLAY_COLUMNS.has(language) ? DISPLAY_TAB : 1;
  return setDiagnostics(state, mistakes.map((mistake) => diagnosticOf(state, mistake, tabWidth)));
}

/** Whether these are the same mistakes of the same run. A later run may find the same one in another text. */
export function isSameMistakes(some: readonly Mistake[], others: readonly Mistake[]): boolean {
  return some.length === others.length && some.every((mistake, index) => mistake === others[index]);
}

function diagnosticOf(state: EditorState, { line, column, message }: Mistake, tabWidth: number): Diagnostic {
  const place = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  const severity = /^warning\b/i.test(message) ? "warning" : "error";
  return { ...rangeOf(state, place, column, tabWidth), severity, message };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The word at a column, or the line without the spaces around it. */
function rangeOf(state: EditorState, line: Line, column: number | undefined, tabWidth: number): Range {
  const from = column === undefined ? line.to : line.from + offsetOf(line.text, column, tabWidth);
  if (from < line.to) return { from, to: Math.max(state.wordAt(from)?.to ?? 0, from + 1) };
  const indentation = line.text.length - line.text.trimStart().length;
  const end = Math.max(line.text.trimEnd().length, indentation);
  return { from: line.from + indentation, to: line.from + end };
}

/** The offset in a line of a column that counts from 1. */
function offsetOf(text: string, column: number, tabWidth: number): number {
  let offset = 0;
  for (let reached = 1; reached < column && offset < text.length; offset += 1) {
    reached += text[offset] === "\t" ? tabWidth - ((reached - 1) % tabWidth) : 1;
  }
  return offset;
}
