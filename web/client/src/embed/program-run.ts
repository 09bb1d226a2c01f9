// Runs one program, and tells a view how it fares.

import type { Coderun, Submission } from "../client.js";
import { CoderunError } from "../error.js";
import type { Execution } from "../execution.js";
import type { components } from "../generated/openapi.js";
import { OutputReader } from "../output.js";
import type { ServerMessage } from "../progress.js";
import type { Watch } from "../watch.js";
import { errorText, messageOf, queueText, resultText } from "./words.js";

type WatchedRecord = components["schemas"]["WatchedRecord"];

/** What shows a program. */
export interface ProgramView {
  /** Shows in words how the program fares. */
  status(text: string, kind: "active" | "ok" | "failed"): void;
  output(stream: "stdout" | "stderr" | "input" | "note", text: string): void;
  /** Removes the output, because the program runs anew. */
  clear(): void;
  input(state: "closed" | "open" | "waiting"): void;
  /** Nothing more comes. */
  ended(): void;
}

/** After so long without an answer, the user is told. */
const SLOW_MS = 5_000;

export class ProgramRun {
  private readonly abort = new AbortController();
  private execution: Execution | undefined;
  private watch: Watch | undefined;
  private readonly reader = new OutputReader();
  /** What has come as output, to know what a record adds to it. */
  private received = { stdout: "", stderr: "" };
  private isInputOpen: boolean;
  private isStopping = false;

  constructor(
    private readonly client: Coderun,
    private readonly submission: Submission,
    private readonly view: ProgramView,
  ) {
    this.isInputOpen = submission.interactive === true;
  }

  /** Runs the program to its end. Fails never: the view is told. */
  async run(): Promise<void> {
    const { signal } = this.abort;
    try {
      this.view.status("Sending the program", "active");
      this.execution = await this.submit();
      this.watch = this.execution.watch({ signal });
      for await (const message of this.watch) if (!signal.aborted) this.receive(message);
    } catch (error) {
      if (!signal.aborted) this.view.status(errorText(error), "failed");
    }
    if (!signal.aborted) this.end();
  }

  /** Sends a line to the program, and shows it if that was possible. */
  send(line: string): void {
    try {
      if (!this.watch) throw new CoderunError("The program has not started yet", 0);
      this.watch.send(`${line}\n`);
    } catch (error) {
      this.view.output("note", messageOf(error));
      return;
    }
    this.view.output("input", `${line}\n`);
    this.view.input("open");
    this.view.status("Running", "active");
  }

  /** Ends the program's input. */
  closeInput(): void {
    try {
      this.watch?.closeInput();
    } catch (error) {
      this.view.output("note", messageOf(error));
      return;
    }
    this.isInputOpen = false;
    this.view.output("note", "End of the input");
    this.view.input("closed");
  }

  /** Stops the program. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.view.status("Stopping", "active");
    if (!this.execution) {
      this.leave();
      this.view.status("Stopped", "ok");
      this.end();
      return;
    }
    this.execution.cancel().catch((error: unknown) => {
      this.isStopping = false;
      if (!this.abort.signal.aborted) this.view.status(errorText(error), "failed");
    });
  }

  /** Stops the program without showing anything more. A submission that is under way is cancelled by the client. */
  leave(): void {
    this.abort.abort();
    this.execution?.cancel().catch(() => undefined);
  }

  /** Submits the program; without its stdin open where the service cannot do that. */
  private async submit(): Promise<Execution> {
    const { signal } = this.abort;
    const slow = setTimeout(
      () => this.view.status("This takes longer than usual; still trying", "active"),
      SLOW_MS,
    );
    try {
      return await this.client.execute(this.submission, { signal });
    } catch (error) {
      const errors = error instanceof CoderunError ? error.problem?.errors : undefined;
      if (!errors?.some(({ pointer }) => pointer === "/interactive")) throw error;
      this.isInputOpen = false;
      return await this.client.execute({ ...this.submission, interactive: false }, { signal });
    } finally {
      clearTimeout(slow);
    }
  }

  private receive(message: ServerMessage): void {
    for (const { stream, text, isRestart } of this.reader.read(message)) {
      if (isRestart) this.restart();
      this.received[stream] += text;
      this.view.output(stream, text);
    }
    if (message.type === "execution_update") this.update(message.data);
    else if (message.type === "queue" && !this.isStopping) this.view.status(queueText(message.data.position), "active");
    else if (message.type === "error") this.view.output("note", message.data.detail);
    else if (message.type === "awaiting_input" && this.isInputOpen && !this.isStopping) {
      this.view.input("waiting");
      this.view.status("The program waits for your input", "active");
    }
  }

  private restart(): void {
    this.received = { stdout: "", stderr: "" };
    this.view.clear();
    this.view.output("note", "The program runs again from its beginning, because a part of the service failed");
  }

  private update(record: WatchedRecord): void {
    if (record.verdict !== null) return this.finish(record);
    if (this.isStopping) return;
    this.view.status(record.status === "running" ? "Running" : queueText(record.queue_position), "active");
    if (record.status === "running" && this.isInputOpen) this.view.input("open");
  }

  private finish(record: WatchedRecord): void {
    for (const { stream, text } of this.reader.end()) this.view.output(stream, text);
    this.view.output("stdout", restOf(record.output, this.received.stdout));
    // The record has the compiler's messages, and a sentence on what stopped the program, which a user who did it knows.
    if (!this.isStopping) this.view.output("stderr", restOf(record.error_output, this.received.stderr));
    if (record.output_truncated || record.error_output_truncated) {
      this.view.output("note", "The rest of the output was cut off");
    }
    const isGood = record.verdict === "accepted" || record.verdict === "cancelled";
    this.view.status(resultText(record), isGood ? "ok" : "failed");
  }

  private end(): void {
    this.view.input("closed");
    this.view.ended();
  }
}

/** What a record has beyond the output that came before. */
function restOf(whole: string | null, received: string): string {
  return whole?.startsWith(received) ? whole.slice(received.length) : "";
}
