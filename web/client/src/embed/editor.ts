// Makes a text area fit for code: it grows with its text, and the Tab key indents.

export interface EditorActions {
  onChange(): void;
  /** Ctrl+Enter or Cmd+Enter. */
  onRun(): void;
}

const LINES_MIN = 2;

export class Editor {
  /** Whether the next Tab leaves the field, as after Escape. */
  private isLeaving = false;

  constructor(
    readonly field: HTMLTextAreaElement,
    private readonly actions: EditorActions,
  ) {
    field.addEventListener("input", () => this.changed());
    field.addEventListener("keydown", (event) => this.handleKey(event));
    field.addEventListener("blur", () => {
      this.isLeaving = false;
    });
  }

  get text(): string {
    return this.field.value;
  }

  /** Replaces the text. The user can undo that if `isUndoable`. */
  replace(text: string, isUndoable: boolean): void {
    if (isUndoable && !this.field.readOnly) {
      this.field.focus();
      this.field.select();
      this.insert(text);
    } else {
      this.field.value = text;
    }
    this.changed();
  }

  /** Selects a line, from 1, and shows it. */
  reveal(line: number): void {
    const { field } = this;
    const lines = field.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    field.focus();
    field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    field.scrollIntoView({ block: "nearest" });
  }

  private changed(): void {
    this.field.rows = Math.max(LINES_MIN, this.field.value.split("\n").length);
    this.actions.onChange();
  }

  private handleKey(event: KeyboardEvent): void {
    const { field } = this;
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.actions.onRun();
    } else if (
      event.key === "Tab" &&
      !this.isLeaving &&
      !field.readOnly &&
      !event.ctrlKey &&
      !event.altKey &&
      !event.metaKey
    ) {
      event.preventDefault();
      this.indent(event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey && !field.readOnly) {
      const indentation = /^[ \t]+/.exec(field.value.slice(this.lineStart(field.selectionStart), field.selectionStart));
      if (!indentation) return;
      event.preventDefault();
      this.insert(`\n${indentation[0]}`);
    }
    if (event.key === "Escape") this.isLeaving = true;
    else if (event.key !== "Shift" && event.key !== "Tab") this.isLeaving = false;
  }

  /** Indents the selected lines or the place of the cursor, or takes indentation away. */
  private indent(isBack: boolean): void {
    const { field } = this;
    const { selectionStart: start, selectionEnd: end, value } = field;
    const unit = indentationOf(value);
    if (!isBack && !value.slice(start, end).includes("\n")) return this.insert(unit);
    const first = this.lineStart(start);
    // A line of which nothing is selected but its beginning stays as it is.
    const last = end > start && value[end - 1] === "\n" ? end - 1 : end;
    const next = value.indexOf("\n", last);
    const until = next < 0 ? value.length : next;
    const back = new RegExp(`^(?:\t| {1,${unit === "\t" ? 4 : unit.length}})`, "gm");
    const lines = value.slice(first, until);
    const changed = isBack ? lines.replace(back, "") : lines.replace(/^(?=.)/gm, unit);
    if (changed === lines) return;
    field.setSelectionRange(first, until);
    this.insert(changed);
    const cursor = Math.max(first, start + changed.length - lines.length);
    if (start === end) field.setSelectionRange(cursor, cursor);
    else field.setSelectionRange(first, first + changed.length);
  }

  /** Types text in place of what is selected. */
  private insert(text: string): void {
    // It is the only way that keeps what the user can undo, and reports the change by itself.
    if (document.execCommand("insertText", false, text)) return;
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, "end");
    this.changed();
  }

  private lineStart(index: number): number {
    return this.field.value.lastIndexOf("\n", index - 1) + 1;
  }
}

/** What the lines of a program are indented by. */
function indentationOf(text: string): string {
  const [first] = /^(?:\t|  +)(?=\S)/m.exec(text) ?? ["    "];
  return first.startsWith("\t") ? "\t" : first.length === 2 ? first : "    ";
}
