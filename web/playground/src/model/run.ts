// Runs one program at a time, and keeps what the page shows about it.

import { computed, signal } from "@preact/signals";

import { type Coderun, CoderunError, type components, type Execution, type ServerMessage, type Watch } from "@coderun/client";
import { OutputReader } from "@coderun/client/output";

import type { Program } from "./program";
import { submissionOf } from "./submission";

export type WatchedRecord = components["schemas"]["WatchedRecord"];

/** `ended` has a final record; `failed` has none, because the service refused or was lost. */
export type Phase = "idle" | "submitting" | "pending" | "running" | "stopping" | "ended" | "failed";

/** Shows what a program writes, and takes what the user types. */
export interface RunConsole {
  write(stream: "stdout" | "stderr" | "input" | "note", text: string): void;
  clear(): void;
  setInput(state: "closed" | "open" | "waiting"): void;
  focus(): void;
  hasFocus(): boolean;
}

/** What else wants to know of a run. */
export interface RunObserver {
  /** A program was accepted. */
  accepted(id: string, program: Program): void;
  /** The execution that was followed is final, or lost. */
  ended(): void;
}

export class Run {
  readonly phase = signal<Phase>("idle");
  readonly id = signal<string | undefined>(undefined);
  /** The last record that came. */
  readonly record = signal<WatchedRecord | undefined>(undefined);
  readonly queuePosition = signal<number | undefined>(undefined);
  readonly isAwaitingInput = signal(false);
  /** Why the service does not do what the user asked for last. */
  readonly failure = signal<Error | undefined>(undefined);
  /** When the program was seen to begin, in ms since the page began. */
  readonly startedAt = signal<number | undefined>(undefined);
  readonly isActive = computed(() => ["submitting", "pending", "running", "stopping"].includes(this.phase.value));
  /** Shows the output of this run. */
  console: RunConsole | undefined;

  private current = new AbortController();
  private execution: Execution | undefined;
  private watch: Watch | undefined;
  private reader = new OutputReader();
  private isInteractive = false;

  constructor(
    private readonly client: Coderun,
    private readonly observer: RunObserver,
  ) {}

  /** Submits a program and follows it. One that runs is stopped. */
  async start(program: Program): Promise<void> {
    if (this.isActive.peek()) void this.stop();
    const { signal } = this.begin("submitting");
    const submission = submissionOf(program);
    this.isInteractive = submission.interactive === true;
    try {
      const execution = await this.client.execute(submission, { signal });
      this.observer.accepted(execution.id, program);
      await this.open(execution, signal);
    } catch (failure) {
      this.fail(failure, signal);
    }
  }

  /** Follows an execution that exists. One that runs goes on by itself. */
  async follow(id: string): Promise<void> {
    const { signal } = this.begin("pending");
    this.isInteractive = true;
    try {
      await this.open(this.client.execution(id), signal);
    } catch (failure) {
      this.fail(failure, signal);
    }
  }

  /** Stops the program, or the submission. Where the service refuses, the user can try again. */
  async stop(): Promise<void> {
    const { execution, current } = this;
    if (!execution) {
      current.abort();
      this.phase.value = "idle";
      return;
    }
    this.phase.value = "stopping";
    try {
      // Without the signal: the program is to be stopped also if the user goes on to another one.
      await execution.cancel();
    } catch (failure) {
      if (current.signal.aborted || !this.isActive.peek()) return;
      this.failure.value = failure as Error;
      this.phase.value = this.record.peek()?.status === "running" ? "running" : "pending";
    }
  }

  /** Sends a line to the program's stdin, and shows it. */
  sendLine(line: string): void {
    this.command((watch) => watch.send(`${line}\n`), `${line}\n`);
  }

  /** Ends the program's stdin. */
  endInput(): void {
    if (!this.command((watch) => watch.closeInput(), "\n")) return;
    this.isInteractive = false;
    this.console?.setInput("closed");
  }

  /** Shows nothing any more. A program that runs goes on by itself. */
  leave(): void {
    if (this.phase.peek() !== "idle") this.begin("idle");
  }

  private begin(phase: Phase): AbortController {
    this.current.abort();
    this.current = new AbortController();
    this.execution = this.watch = undefined;
    this.reader = new OutputReader();
    this.id.value = this.record.value = this.queuePosition.value = undefined;
    this.failure.value = this.startedAt.value = undefined;
    this.isAwaitingInput.value = false;
    this.phase.value = phase;
    this.console?.clear();
    this.console?.setInput("closed");
    return this.current;
  }

  private async open(execution: Execution, signal: AbortSignal): Promise<void> {
    this.execution = execution;
    this.id.value = execution.id;
    this.phase.value = "pending";
    this.watch = execution.watch({ signal });
    for await (const message of this.watch) {
      if (signal.aborted) return;
      this.receive(message);
    }
  }

  private receive(message: ServerMessage): void {
    // It was answered before the page was loaded, or from another one: what was typed there is not known.
    if (message.type === "execution_output" && this.isAwaitingInput.peek()) this.console?.write("input", "⏎\n");
    for (const { stream, text, isRestart } of this.reader.read(message)) {
      if (isRestart) {
        this.console?.clear();
        this.console?.write("note", "The worker was lost. Another one runs the program from its beginning.\n");
      } else {
        this.console?.write(stream, text);
      }
    }
    switch (message.type) {
      case "execution_update":
        return this.update(message.data);
      case "execution_output":
        return this.setAwaiting(false);
      case "awaiting_input":
        return this.setAwaiting(true);
      case "queue":
        this.queuePosition.value = message.data.position;
        return;
      case "error":
        this.failure.value = new CoderunError(message.data.detail, 0);
        return;
      case "auth_expiring":
      case "going_away":
      case "pong":
    }
  }

  private update(record: WatchedRecord): void {
    this.record.value = record;
    this.queuePosition.value = record.queue_position ?? undefined;
    if (record.verdict !== null) return this.end(record);
    if (record.status === "running" && this.phase.peek() !== "stopping") {
      this.startedAt.value ??= performance.now();
      this.phase.value = "running";
      this.setAwaiting(false);
    }
  }

  private setAwaiting(isAwaiting: boolean): void {
    this.isAwaitingInput.value = isAwaiting;
    if (this.isInteractive && this.isActive.peek()) this.console?.setInput(isAwaiting ? "waiting" : "open");
  }

  private end(record: WatchedRecord): void {
    for (const { stream, text } of this.reader.end()) this.console?.write(stream, text);
    this.console?.setInput("closed");
    if (record.verdict === "compile_error") this.console?.write("stderr", record.error_output ?? "");
    this.isAwaitingInput.value = false;
    this.failure.value = undefined;
    this.phase.value = "ended";
    this.observer.ended();
  }

  private fail(failure: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.console?.setInput("closed");
    this.isAwaitingInput.value = false;
    this.failure.value = failure instanceof Error ? failure : new Error(String(failure));
    this.phase.value = "failed";
    this.observer.ended();
  }

  /** Whether a command was passed on. What it types is shown. */
  private command(send: (watch: Watch) => void, echo: string): boolean {
    if (!this.watch || !this.isActive.peek()) return false;
    try {
      send(this.watch);
    } catch (failure) {
      this.failure.value = failure as Error;
      return false;
    }
    this.console?.write("input", echo);
    this.setAwaiting(false);
    return true;
  }
}
