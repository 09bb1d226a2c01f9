// Keeps in the browser what must outlive a reload: the draft, the programs of executions, and the execution that runs.

import { BrowserStorage, type TextStorage } from "./browser-storage";
import { parseProgram } from "./parse-program";
import type { Program } from "./program";
import { RememberedPrograms } from "./remembered-programs";

/** What is used of the page, to store the draft before it goes. */
export type Departures = Pick<EventTarget, "addEventListener">;

export interface StorageOptions {
  /** Shared by all tabs. */
  local?: () => TextStorage | undefined;
  /** Of this tab alone. */
  tab?: () => TextStorage | undefined;
  page?: Departures | undefined;
  draftDelayMs?: number;
}

const DRAFT = "coderun.draft";
const RUNNING = "coderun.running";
/** Typing stores nothing until it pauses. */
const DRAFT_DELAY_MS = 400;

export class Storage {
  private readonly tab: BrowserStorage;
  private readonly local: BrowserStorage;
  private readonly programs: RememberedPrograms;
  private readonly draftDelayMs: number;
  private unsaved: Program | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StorageOptions = {}) {
    this.local = new BrowserStorage(options.local ?? (() => globalThis.localStorage));
    this.tab = new BrowserStorage(options.tab ?? (() => globalThis.sessionStorage));
    this.programs = new RememberedPrograms(this.local);
    this.draftDelayMs = options.draftDelayMs ?? DRAFT_DELAY_MS;
    const page = "page" in options ? options.page : globalThis.window;
    // Telephones may end a page that is hidden without a further event.
    for (const event of ["pagehide", "visibilitychange"]) page?.addEventListener(event, this.saveDraft);
  }

  /** The draft of this tab, or in a new tab the last one of any. */
  draft(): Program | undefined {
    return parseDraft(this.tab.get(DRAFT)) ?? parseDraft(this.local.get(DRAFT));
  }

  /** Keeps a program as the draft, once no other one has come for a moment or when the page is left. */
  keep(program: Program): void {
    this.unsaved = program;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.saveDraft, this.draftDelayMs);
  }

  /** Remembers which program an execution runs: the service keeps its code and input alone. */
  remember(id: string, program: Program): Promise<void> {
    return this.programs.add(id, program);
  }

  /** The program of an execution, if it is remembered. */
  recall(id: string): Promise<Program | undefined> {
    return this.programs.find(id);
  }

  /** Forgets the program of an execution, or without an id all of them. */
  forget(id?: string): void {
    this.programs.remove(id);
  }

  /** The execution that runs in this tab. Other tabs have others. */
  get runningId(): string | undefined {
    return this.tab.get(RUNNING);
  }

  set runningId(id: string | undefined) {
    if (id === undefined) this.tab.remove(RUNNING);
    else this.tab.set(RUNNING, id);
  }

  private readonly saveDraft = (): void => {
    clearTimeout(this.timer);
    if (!this.unsaved) return;
    const text = JSON.stringify(this.unsaved);
    this.unsaved = undefined;
    // If there is no room, the draft of before must not come back in place of this one.
    for (const storage of [this.tab, this.local]) if (!storage.set(DRAFT, text)) storage.remove(DRAFT);
  };
}

function parseDraft(text: string | undefined): Program | undefined {
  if (text === undefined) return undefined;
  try {
    return parseProgram(JSON.parse(text));
  } catch {
    return undefined;
  }
}
