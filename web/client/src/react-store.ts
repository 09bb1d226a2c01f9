// Keeps the state of one execution for whoever renders it.

import { CoderunError } from "./error.js";
import type { components, Coderun, Execution, ServerMessage, Submission, Watch } from "./index.js";
import { OutputReader } from "./output.js";

type Schemas = components["schemas"];

/** What a component renders. */
export interface ExecutionState {
  /** `idle` before the first submission, `submitting` until the service has accepted it. */
  readonly status: "idle" | "submitting" | Schemas["Status"];
  /** Whether more is to come: true from the submission to the final state, or to a failure. */
  readonly isActive: boolean;
  /** Whether the program waits for input. */
  readonly isAwaitingInput: boolean;
  /** What the program has written to stdout so far; once final, that of the record. */
  readonly output: string;
  /** The same of stderr; once final, it also tells which limit stopped the program. */
  readonly errorOutput: string;
  /** The id, once it is known. A page that keeps it can follow the execution later. */
  readonly id: string | undefined;
  /** The last record that the service has sent. */
  readonly record: Schemas["WatchedRecord"] | undefined;
  /** The place in the queue, while there is one. */
  readonly queuePosition: number | undefined;
  /** Why the service does not do what was asked for last, usually a `CoderunError`. A program that fails is none. */
  readonly failure: Error | undefined;
}

/** What a component can do. Each is the same function in all renders, throws nothing, and reports to `failure`. */
export interface ExecutionCommands {
  /** Submits a program and follows it. One that was followed before goes on by itself. */
  run(submission: Submission): void;
  /** Follows an execution that exists. */
  follow(id: string): void;
  /** Sends text to the program's stdin, which must be `interactive`. */
  send(text: string): void;
  /** Ends the program's stdin. */
  closeInput(): void;
  /** Stops the program. */
  cancel(): void;
}

const NOTHING = { output: "", errorOutput: "" };
const IDLE: ExecutionState = {
  ...NOTHING,
  status: "idle",
  isActive: false,
  isAwaitingInput: false,
  id: undefined,
  record: undefined,
  queuePosition: undefined,
  failure: undefined,
};

/** The state of the last execution that was run or followed. The service is asked only while somebody subscribes. */
export class ExecutionStore {
  private state = IDLE;
  private readonly listeners = new Set<() => void>();
  /** Ends what was begun for the execution before. */
  private current = new AbortController();
  /** The execution once the service has accepted it, so that `cancel` may come before that. */
  private accepted: Promise<Execution> | undefined;
  private execution: Execution | undefined;
  private watch: Watch | undefined;
  /** Ends the watch, which a further one continues. */
  private watching = new AbortController();
  private seq = 0;
  private reader = new OutputReader();
  private written = NOTHING;

  constructor(public client: Coderun) {}

  readonly commands: ExecutionCommands = {
    run: (submission) => {
      const signal = this.begin({ ...IDLE, status: "submitting", isActive: true });
      this.accepted = this.client.execute(submission, { signal });
      this.accepted.then(
        (execution) => signal.aborted || this.open(execution),
        (failure) => signal.aborted || this.change({ status: "idle", isActive: false, failure }),
      );
    },
    follow: (id) => {
      if (id === this.state.id && !this.state.failure) return;
      this.begin({ ...IDLE, status: "pending", isActive: true });
      const execution = this.client.execution(id);
      this.accepted = Promise.resolve(execution);
      this.open(execution);
    },
    send: (text) => this.command((watch) => watch.send(text)),
    closeInput: () => this.command((watch) => watch.closeInput()),
    cancel: () => {
      const { signal } = this.current;
      this.accepted
        ?.then((execution) => execution.cancel())
        .catch((failure) => signal.aborted || this.change({ failure }));
    },
  };

  readonly snapshot = (): ExecutionState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.resume();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.pause();
    };
  };

  private change(part: Partial<ExecutionState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }

  /** Leaves the execution before: the signal ends with this one. */
  private begin(state: ExecutionState): AbortSignal {
    this.pause();
    this.current.abort();
    this.current = new AbortController();
    this.accepted = this.execution = undefined;
    this.seq = 0;
    this.reader = new OutputReader();
    this.written = NOTHING;
    this.change(state);
    return this.current.signal;
  }

  private open(execution: Execution): void {
    this.execution = execution;
    this.change({ id: execution.id, status: "pending" });
    if (this.listeners.size > 0) this.resume();
  }

  private pause(): void {
    this.watching.abort();
    this.watch = undefined;
  }

  private resume(): void {
    if (!this.execution || !this.state.isActive) return;
    this.watching = new AbortController();
    const { signal } = this.watching;
    this.watch = this.execution.watch({ since: this.seq, signal });
    this.read(this.watch, signal).catch((failure) => {
      if (!signal.aborted) this.change({ isActive: false, isAwaitingInput: false, failure });
    });
  }

  private async read(watch: Watch, signal: AbortSignal): Promise<void> {
    for await (const message of watch) {
      if (signal.aborted) return;
      if ("seq" in message) this.seq = message.seq;
      this.receive(message);
    }
  }

  private receive(message: ServerMessage): void {
    for (const { stream, text, isRestart } of this.reader.read(message)) {
      const name = stream === "stdout" ? "output" : "errorOutput";
      this.written = isRestart ? NOTHING : { ...this.written, [name]: this.written[name] + text };
    }
    switch (message.type) {
      case "execution_update":
        return this.update(message.data);
      case "execution_output":
        return this.change({ ...this.written, isAwaitingInput: false });
      case "awaiting_input":
        return this.change({ isAwaitingInput: true });
      case "queue":
        return this.change({ queuePosition: message.data.position });
      case "error":
        return this.change({ failure: new CoderunError(message.data.detail, 0) });
      case "auth_expiring":
      case "going_away":
      case "pong":
    }
  }

  private update(record: Schemas["WatchedRecord"]): void {
    const isFinal = record.verdict !== null;
    if (isFinal) this.written = { output: record.output ?? "", errorOutput: record.error_output ?? "" };
    this.change({
      ...this.written,
      record,
      status: record.status,
      isActive: !isFinal,
      isAwaitingInput: false,
      queuePosition: record.queue_position ?? undefined,
    });
  }

  private command(send: (watch: Watch) => void): void {
    if (this.watch && !this.state.isActive) return;
    try {
      if (!this.watch) throw new CoderunError("The program does not take input yet", 0);
      send(this.watch);
      this.change({ isAwaitingInput: false });
    } catch (failure) {
      this.change({ failure: failure as Error });
    }
  }
}
