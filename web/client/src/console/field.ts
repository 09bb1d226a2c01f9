// Takes what the user types for the program: the last line of a console, with the program's question as its label.

import { make, showLine } from "./elements.js";
import type { Line } from "./line.js";

export interface FieldActions {
  onLine(text: string): void;
  onEnd?(): void;
}

const HISTORY_MAX = 100;

export class InputField {
  readonly element = make("div", "prompt");
  readonly input = make("input", "field", {
    type: "text",
    autocomplete: "off",
    autocapitalize: "off",
    autocorrect: "off",
    spellcheck: "false",
    enterkeyhint: "send",
  });
  private readonly label = make("label", "answer");
  private readonly question = make("span", "question");
  /** Lines that were typed or pasted and are not echoed yet. The field shows the first one. */
  private unsent: string[] = [];
  private isSending = false;
  /** What follows them in the field. */
  private rest = "";
  private history: string[] = [];
  /** The place in the history that the field shows; its length is that of a new line. */
  private place = 0;
  private draft = "";

  constructor(private readonly actions: FieldActions) {
    this.label.append(this.question, this.input);
    this.element.append(this.label);
    if (actions.onEnd) this.element.append(this.endButton());
    this.input.addEventListener("keydown", (event) => this.handleKey(event));
    this.input.addEventListener("paste", (event) => this.handlePaste(event));
  }

  /** Shows the line that the program has not finished as the question. */
  ask(line: Line): void {
    showLine(this.question, line);
    this.question.hidden = line.length === 0;
    if (line.text.trim() === "") this.input.setAttribute("aria-label", "Input");
    else this.input.removeAttribute("aria-label");
  }

  /** Empties the field. */
  clear(): void {
    this.unsent = [];
    this.input.value = this.rest = "";
  }

  /** Notes that a line was echoed, which means that it was sent: the field goes on to the next one. */
  echoed(): void {
    const line = this.unsent.shift();
    if (line === undefined) return;
    if (line !== "" && line !== this.history.at(-1)) this.history.push(line);
    if (this.history.length > HISTORY_MAX) this.history.shift();
    this.place = this.history.length;
    this.input.value = this.unsent[0] ?? this.rest;
    if (this.unsent.length === 0) this.rest = "";
    else if (!this.isSending) this.send();
  }

  /** Programs that read to the end of their input need it, and a touch screen has no Ctrl+D. */
  private endButton(): HTMLElement {
    const button = make("button", "end", { type: "button", title: "The program gets no more input (Ctrl+D)" });
    button.textContent = "End input";
    button.addEventListener("click", () => this.actions.onEnd?.());
    return button;
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.unsent = [this.input.value, ...this.unsent.slice(1)];
      this.send();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      this.recall(event.key === "ArrowUp" ? -1 : 1);
    } else if (event.key === "d" && event.ctrlKey && this.input.value === "") {
      event.preventDefault();
      this.actions.onEnd?.();
    }
  }

  private handlePaste(event: ClipboardEvent): void {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\r\n]/.test(pasted)) return;
    event.preventDefault();
    const { value, selectionStart, selectionEnd } = this.input;
    const all = value.slice(0, selectionStart ?? value.length) + pasted + value.slice(selectionEnd ?? value.length);
    const lines = all.split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? "";
    this.unsent = lines;
    this.send();
  }

  /** Sends the lines, as long as each is echoed; the others wait in the field for that, or for the key. */
  private send(): void {
    this.isSending = true;
    try {
      for (let left = this.unsent.length + 1; this.unsent.length < left;) {
        const [line] = this.unsent;
        if (line === undefined) return;
        left = this.unsent.length;
        this.input.value = line;
        this.actions.onLine(line);
      }
    } finally {
      this.isSending = false;
    }
  }

  private recall(step: number): void {
    const place = this.place + step;
    if (place < 0 || place > this.history.length) return;
    if (this.place === this.history.length) this.draft = this.input.value;
    this.place = place;
    this.input.value = this.history[place] ?? this.draft;
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }
}
