// Puts the parts of the page together: the program, its run, the user, and what the browser keeps.

import { batch, computed, effect, signal } from "@preact/signals";

import { Coderun } from "@coderun/client";

import { entryName } from "../editor/languages";
import { findMistakes, findPlaces } from "../output/mistakes";
import { NoticeList } from "../parts/notices";
import { fetchLanguages } from "./languages";
import type { Program } from "./program";
import { Run } from "./run";
import { Session } from "./session";
import { decode, encode } from "./share";
import { Storage } from "./storage";
import { WELCOME } from "./welcome";
import { Workspace } from "./workspace";

const LANGUAGES_RETRY_MS = 1_000;

/** What came with a link, until the user has seen it. */
export type Arrival = { kind: "shared" } | { kind: "unreadable"; reason: string };

export class Playground {
  readonly workspace = new Workspace();
  readonly session = new Session();
  readonly client = new Coderun({ getToken: (options) => this.session.getToken(options) });
  readonly notices = new NoticeList();
  readonly storage = new Storage();
  readonly run = new Run(this.client, {
    accepted: (id, program) => {
      void this.storage.remember(id, program);
      this.storage.runningId = id;
    },
    ended: () => {
      this.storage.runningId = undefined;
      this.endedCount.value += 1;
    },
  });
  /** Why the languages are not known. */
  readonly failure = signal<string | undefined>(undefined);
  readonly arrival = signal<Arrival | undefined>(undefined);
  /** What the user was writing when the link was opened. */
  readonly own = signal<Program | undefined>(undefined);
  readonly isSignInOpen = signal(false);
  /** How many runs have ended, so that the history knows when it is old. */
  readonly endedCount = signal(0);
  readonly isReady = computed(() => this.workspace.languages.value.length > 0);
  /** Where the last run says that the program is wrong. */
  readonly mistakes = computed(() => {
    const record = this.run.record.value;
    if (record?.status !== "error") return [];
    const [entry, ...others] = this.workspace.program.peek().files;
    return findMistakes(record.error_output ?? "", entry.name, others.map(({ name }) => name));
  });

  /** What a link brought. It takes the place of the draft only once the user works with it. */
  private untouched: Program | undefined;

  /** Shows what the link, the browser or the service has, and follows what still runs. It never runs a program by itself. */
  async begin(): Promise<void> {
    const link = location.hash;
    const asked = new URLSearchParams(location.search).get("language");
    const draft = this.storage.draft();
    if (link.startsWith("#code=")) await this.openShared(link, draft);
    else if (asked === null) this.workspace.open(draft ?? WELCOME);
    this.untouched = this.workspace.program.peek();
    effect(() => this.keep(this.workspace.program.value));
    effect(() => {
      // The next user of this browser must not see what the last one ran.
      if (this.session.state.value !== "signed-out") return;
      this.run.leave();
      this.storage.runningId = undefined;
    });
    // The browser loads nothing when a link is pasted over the address of this very page.
    addEventListener("hashchange", () => {
      if (location.hash.startsWith("#code=")) location.reload();
    });
    const { runningId } = this.storage;
    await Promise.all([this.session.begin(), this.loadLanguages(asked)]);
    if (runningId !== undefined && this.session.state.peek() === "signed-in") await this.run.follow(runningId);
  }

  /** Runs the program, or lets the user sign in first. */
  readonly start = (): void => {
    if (!this.isReady.peek() || this.run.isActive.peek()) return;
    if (this.session.state.peek() !== "signed-in") {
      this.isSignInOpen.value = true;
      return;
    }
    this.arrival.value = undefined;
    void this.run.start(this.workspace.program.peek());
  };

  /** Puts the program into the address, and the address into the clipboard. Nothing is sent. */
  readonly share = async (): Promise<void> => {
    const url = new URL(location.href);
    url.search = "";
    url.hash = await encode(this.workspace.program.peek());
    history.replaceState(null, "", url);
    try {
      await navigator.clipboard.writeText(url.href);
      this.notices.add("The link is copied. It holds the program itself; nothing was sent.");
    } catch {
      this.notices.add("The link is in the address bar. It holds the program itself; nothing was sent.");
    }
  };

  /** Leaves the program of a link for what the user was writing. */
  readonly returnToOwn = (): void => {
    if (this.own.value) this.workspace.open(this.own.value);
    history.replaceState(null, "", location.pathname + location.search);
    this.arrival.value = undefined;
  };

  /** Shows an earlier execution with its program. */
  readonly open = async (id: string): Promise<void> => {
    try {
      const program = (await this.storage.recall(id)) ?? (await this.programOf(id));
      this.workspace.open(program);
      await this.run.follow(id);
    } catch (error) {
      this.notices.add((error as Error).message);
    }
  };

  /** The places in a line of output that lead into the program. */
  places(line: string) {
    const [entry, ...others] = this.workspace.program.peek().files;
    return findPlaces(line, entry.name, others.map(({ name }) => name));
  }

  /** Saves the exact output of the last run as a file. */
  readonly saveOutput = (): void => {
    const record = this.run.record.peek();
    if (!record) return;
    const { output, output_base64 } = record;
    const decoded = output_base64 === undefined ? undefined : atob(output_base64);
    const bytes = decoded === undefined ? (output ?? "") : Uint8Array.from(decoded, (unit) => unit.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes]));
    link.download = "output.txt";
    link.click();
    URL.revokeObjectURL(link.href);
  };

  /** Keeps what the user works with, and drops a link that brought something else: a reload must not bring it again. */
  private keep(program: Program): void {
    if (program === this.untouched) return;
    this.storage.keep(program);
    if (location.hash + location.search !== "") history.replaceState(null, "", location.pathname);
  }

  private async openShared(link: string, draft: Program | undefined): Promise<void> {
    try {
      this.workspace.open(await decode(link));
      this.arrival.value = { kind: "shared" };
      this.own.value = draft;
    } catch (error) {
      this.workspace.open(draft ?? WELCOME);
      this.arrival.value = { kind: "unreadable", reason: (error as Error).message };
    }
  }

  /** The program of a record. The service keeps the code and the input, not the other files. */
  private async programOf(id: string): Promise<Program> {
    const { code, language, input_data } = await this.client.execution(id).record();
    return { language, files: [{ name: entryName(language), content: code }], args: "", input: input_data };
  }

  /** Asks for the languages until there are some: a service that has just started is still looking for compilers. */
  private async loadLanguages(asked: string | null): Promise<void> {
    while (!this.isReady.peek()) {
      try {
        this.workspace.languages.value = await fetchLanguages();
        this.failure.value = this.isReady.peek() ? undefined : "The service has no languages yet. It may still be starting.";
      } catch {
        this.failure.value = "The service cannot be reached. The page tries again.";
      }
      if (!this.isReady.peek()) await new Promise((resolve) => setTimeout(resolve, LANGUAGES_RETRY_MS));
    }
    if (asked !== null) {
      batch(() => {
        this.showExample(asked);
        this.untouched = this.workspace.program.peek();
      });
    }
  }

  /** Shows the example of a language that a link names. */
  private showExample(asked: string): void {
    const name = asked.toLowerCase();
    const language = this.workspace.languages.peek().find((it) => it.name === name || it.aliases.includes(name));
    if (language) this.workspace.selectLanguage(language.name);
    else this.notices.add(`The service does not run ${asked}.`);
    if (!language || language.name === "python") this.workspace.loadExample();
  }
}
