// Turns a block of code in a page into one that its readers can change and run.

import type { Submission } from "../client.js";
import { Console, CONSOLE_CSS } from "../console.js";
import { make } from "../console/elements.js";
import { clientOf } from "./clients.js";
import { SNIPPET_CSS } from "./css.js";
import { Editor } from "./editor.js";
import { ProgramRun, type ProgramView } from "./program-run.js";
import { argumentsOf, placesIn, sourceOf } from "./source.js";
import { errorText } from "./words.js";

/** On a server, modules that import this one are loaded, too. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

const TAB_HINT = "Tab indents. To leave the field, press Escape and then Tab. Ctrl+Enter runs the program.";

let sheets: CSSStyleSheet[] | undefined;

export class SnippetElement extends Base {
  static readonly observedAttributes = ["label", "language", "readonly"];
  private readonly frame = make("div", "snippet", { part: "snippet", role: "group" });
  private readonly field = make("textarea", "editor", {
    part: "editor",
    wrap: "off",
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    autocorrect: "off",
    "aria-describedby": "hint",
  });
  private readonly runButton = make("button", "run", { part: "button run-button", type: "button" });
  private readonly resetButton = make("button", "reset", { part: "button reset-button", type: "button" });
  private readonly status = make("span", "status", { part: "status", role: "status" });
  private readonly consoleBox = make("div", "console", { part: "console" });
  private readonly console: Console;
  private readonly editor: Editor;
  private current: ProgramRun | undefined;
  /** Whether the focus goes to the console when the program asks something: until the user does something else. */
  private expectsQuestion = false;
  /** The program as the page has it. */
  private original = "";
  private observer: MutationObserver | undefined;

  constructor() {
    super();
    this.editor = new Editor(this.field, { onChange: () => this.changed(), onRun: () => this.current ?? this.run() });
    this.console = new Console(this.consoleBox, {
      onLine: (line) => this.current?.send(line),
      onEnd: () => this.current?.closeInput(),
      onInterrupt: () => this.stop(),
      findLinks: (output) =>
        placesIn(output).map(({ start, end, line }) => ({
          start,
          end,
          label: `Go to line ${line}`,
          follow: () => this.editor.reveal(line),
        })),
    });
    this.build();
  }

  /** The program as it is in the field. */
  get code(): string {
    return this.editor.text;
  }

  set code(text: string) {
    this.editor.replace(text, false);
  }

  /** Runs the program. One that runs already is stopped. */
  run(): void {
    this.current?.leave();
    this.console.clear();
    this.console.setInput("closed");
    this.consoleBox.hidden = false;
    this.expectsQuestion = true;
    try {
      const view = this.view();
      this.current = view.run = new ProgramRun(clientOf(this.getAttribute("service")), this.submission(), view);
      this.showButton();
      void this.current.run();
    } catch (error) {
      this.showStatus(errorText(error), "failed");
    }
  }

  /** Stops the program that runs. */
  stop(): void {
    this.current?.stop();
  }

  connectedCallback(): void {
    this.describe();
    this.readSource();
    // The content may come later, from a parser that has not read it yet or from a framework.
    this.observer = new MutationObserver(() => this.readSource());
    this.observer.observe(this, { childList: true, characterData: true, subtree: true });
  }

  disconnectedCallback(): void {
    this.observer?.disconnect();
    // An element that is moved is removed and added at once.
    queueMicrotask(() => {
      if (this.isConnected || !this.current) return;
      this.current.leave();
      this.current = undefined;
      this.console.setInput("closed");
      this.showStatus("Stopped", "ok");
      this.showButton();
    });
  }

  attributeChangedCallback(): void {
    this.describe();
  }

  private build(): void {
    const hint = make("span", "hint", { id: "hint" });
    hint.textContent = TAB_HINT;
    this.resetButton.textContent = "Reset";
    this.resetButton.hidden = this.consoleBox.hidden = true;
    const toolbar = make("div", "toolbar", { part: "toolbar" });
    toolbar.append(this.runButton, this.resetButton, this.status);
    this.frame.append(this.field, hint, toolbar, this.consoleBox);
    this.showButton();
    this.runButton.addEventListener("click", (event) => {
      // The second click of a double click would stop what the first one has started.
      if (event.detail < 2) this.current ? this.stop() : this.run();
    });
    this.resetButton.addEventListener("click", () => this.editor.replace(this.original, true));
    this.field.addEventListener("input", () => {
      this.expectsQuestion = false;
    });
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = sheets ??= [CONSOLE_CSS, SNIPPET_CSS].map(sheetOf);
    shadow.append(this.frame);
  }

  private describe(): void {
    const label = this.getAttribute("label") ?? `Program in ${this.getAttribute("language") ?? "an unknown language"}`;
    this.frame.setAttribute("aria-label", label);
    this.field.setAttribute("aria-label", `${label}: code`);
    this.field.readOnly = this.hasAttribute("readonly");
  }

  /** Takes the program from the page, unless the user has changed it. */
  private readSource(): void {
    const source = sourceOf(this);
    const isChanged = this.editor.text !== this.original;
    this.original = source;
    if (isChanged) this.changed();
    else this.editor.replace(source, false);
  }

  private changed(): void {
    this.resetButton.hidden = this.editor.text === this.original || this.field.readOnly;
  }

  private submission(): Submission {
    const [language, version, args, input] = ["language", "version", "args", "input"].map((name) =>
      this.getAttribute(name),
    );
    return {
      language: language ?? "",
      code: this.code,
      ...(version ? { version } : {}),
      ...(args ? { args: argumentsOf(args) } : {}),
      ...(input == null ? { interactive: true } : { input }),
    };
  }

  /** What shows the next program, until another one runs. */
  private view(): ProgramView & { run?: ProgramRun } {
    const view: ProgramView & { run?: ProgramRun } = {
      status: (text, kind) => this.showStatus(text, kind),
      output: (stream, text) => this.console.write(stream, text),
      clear: () => this.console.clear(),
      input: (state) => this.setInput(state),
      ended: () => {
        if (this.current !== view.run) return;
        this.current = undefined;
        this.showButton();
      },
    };
    return view;
  }

  private setInput(state: "closed" | "open" | "waiting"): void {
    this.console.setInput(state);
    const active = this.shadowRoot?.activeElement;
    if (state === "waiting" && this.expectsQuestion && (active === this.runButton || active === this.field))
      this.console.focus();
    if (state === "waiting") this.expectsQuestion = false;
  }

  private showStatus(text: string, kind: "active" | "ok" | "failed"): void {
    if (this.status.textContent !== text) this.status.textContent = text;
    this.frame.classList.toggle("failed", kind === "failed");
  }

  private showButton(): void {
    const isActive = this.current !== undefined;
    this.frame.classList.toggle("active", isActive);
    this.runButton.textContent = isActive ? "Stop" : "Run";
  }
}

/** Style sheets that are made so need no exception in a page's content security policy. */
function sheetOf(css: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
