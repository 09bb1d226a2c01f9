// Shows what a program writes, and takes what its user types, in an element of a page.

import { CONSOLE_CSS } from "./console/css.js";
import { type ConsoleLink, make } from "./console/elements.js";
import { InputField } from "./console/field.js";
import { LogView } from "./console/log.js";
import { Screen, type Source } from "./console/screen.js";

export { CONSOLE_CSS, type ConsoleLink };

export interface ConsoleOptions {
  /**
   * Takes a line that the user has typed, without its end. It must send the line to the program, and then show it by
   * `write("input", line + "\n")`: only the page knows whether the line was sent. Until then, the field keeps the line.
   */
  onLine(text: string): void;
  /** Ends the program's input: the button beside the field, or Ctrl+D in an empty field. Without it, there is no button. */
  onEnd?(): void;
  /** Stops the program: Ctrl+C where nothing is selected. */
  onInterrupt?(): void;
  /** Finds the links in a complete line of output, such as `main.c:3:5:`, from left to right. */
  findLinks?(line: string): readonly ConsoleLink[];
}

/** How far the reader may be from the end, in pixels, to be there. */
const END_MARGIN = 8;

/** A console in an element, which gives it its size. The styles of the page or shadow root must include `CONSOLE_CSS`. */
export class Console {
  private readonly root = make("div", "coderun-console", { role: "region", "aria-label": "Console", tabindex: "0" });
  private readonly hidden = make("p", "hidden-lines");
  private readonly content = make("div", "content");
  private readonly announcement = make("div", "announcement", { role: "status" });
  private readonly screen = new Screen();
  private readonly log: LogView;
  private readonly field: InputField;
  private input: "closed" | "open" | "waiting" = "closed";
  private isDrawing = false;
  private isAtEnd = true;

  constructor(
    container: HTMLElement,
    private readonly options: ConsoleOptions,
  ) {
    this.log = new LogView(this.screen, (line) => options.findLinks?.(line) ?? []);
    this.field = new InputField(options);
    this.hidden.hidden = this.field.element.hidden = true;
    this.content.append(this.hidden, this.log.element, this.field.element, this.announcement);
    this.root.append(this.content);
    container.append(this.root);
    this.listen();
  }

  /** Shows a piece, in the order of the calls: output of the program, what was typed, or a line of the page's own. */
  write(stream: Source, text: string): void {
    this.screen.write(stream, text);
    if (stream === "input") this.field.echoed();
    this.drawSoon();
  }

  /** Removes all that is shown. */
  clear(): void {
    this.screen.reset();
    this.field.clear();
    this.isAtEnd = true;
    this.drawSoon();
  }

  /** Whether the program takes input: not at all, or later, or it waits for it. */
  setInput(state: "closed" | "open" | "waiting"): void {
    if (state === this.input) return;
    this.input = state;
    if (state === "closed") this.field.clear();
    // The label must be there before the focus is, so that it is read out.
    this.draw();
    if (state === "waiting") this.attend();
  }

  focus(): void {
    if (this.input === "closed") this.root.focus({ preventScroll: true });
    else this.field.input.focus({ preventScroll: true });
  }

  /** All that is shown, for copying. */
  get text(): string {
    return this.screen.text;
  }

  /** Shows that the program waits for its user. */
  private attend(): void {
    const active = activeElement();
    if (active === this.field.input) this.announcement.textContent = this.screen.line(this.screen.end - 1).text;
    else if (!active || active === document.body || this.root.contains(active)) this.focus();
    if (this.isAtEnd) this.scrollToEnd();
  }

  private listen(): void {
    const { root } = this;
    root.addEventListener("scroll", () => {
      this.isAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < END_MARGIN;
    });
    const observer = new ResizeObserver(() => this.isAtEnd && this.scrollToEnd());
    observer.observe(root);
    observer.observe(this.content);
    root.addEventListener("click", (event) => {
      const isControl = event.target instanceof Element && event.target.closest(".link, .end");
      if (!isControl && this.input !== "closed" && !this.hasSelection()) this.focus();
    });
    root.addEventListener("keydown", (event) => {
      if (event.key !== "c" || !event.ctrlKey || event.altKey || event.metaKey || this.hasSelection()) return;
      if (this.input === "closed" || !this.options.onInterrupt) return;
      event.preventDefault();
      this.options.onInterrupt();
    });
  }

  private hasSelection(): boolean {
    const { selectionStart, selectionEnd } = this.field.input;
    if (selectionStart !== selectionEnd) return true;
    // In a shadow tree, some browsers have the selection at its root.
    const root = this.root.getRootNode() as Partial<DocumentOrShadowRoot & { getSelection(): Selection | null }>;
    return (root.getSelection?.() ?? document.getSelection())?.isCollapsed === false;
  }

  private drawSoon(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { screen, root, field, input } = this;
    const isClosed = input === "closed";
    const hadFocus = field.element.contains(activeElement());
    this.isDrawing = false;
    this.hidden.hidden = screen.hidden === 0;
    this.hidden.textContent = `${screen.hidden.toLocaleString("en")} earlier lines are not shown`;
    this.log.draw(isClosed);
    field.ask(screen.line(screen.end - 1));
    field.element.hidden = isClosed;
    field.input.placeholder = input === "waiting" ? "Type and press Enter" : "";
    root.classList.toggle("waiting", input === "waiting");
    if (input !== "waiting") this.announcement.textContent = "";
    // A field that is gone would leave the focus at the top of the page.
    if (isClosed && hadFocus) this.focus();
    if (this.isAtEnd) this.scrollToEnd();
  }

  private scrollToEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
  }
}

/** The element with the focus, also in shadow trees. */
function activeElement(): Element | null {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}
