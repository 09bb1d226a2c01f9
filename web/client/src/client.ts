// Submits programs.

import { Connection, type ConnectionOptions } from "./connection.js";
import { Execution } from "./execution.js";
import type { components } from "./generated/openapi.js";
import { WAIT_SECONDS } from "./polling.js";

type Schemas = components["schemas"];
type ExecutionRecord = Schemas["Record"];

type Answer = Schemas["Accepted"] | ExecutionRecord;
/** Makes the request of a submission, which may be repeated. */
type Request = (headers: Record<string, string>, signal?: AbortSignal) => Promise<Answer>;

/** A program to run. */
export type Submission = Schemas["Submission"] & {
  /** What the program reads from stdin: a short name of `input_data`. */
  input?: string;
};

export interface SubmitOptions {
  /** Names the submission: under the same key it is the same execution. Default: a new one. */
  idempotencyKey?: string;
  /** Ends the call. A submission that was under way is cancelled. */
  signal?: AbortSignal;
}

export interface PageOptions {
  /** How many executions, at most 100. Default 20. */
  limit?: number;
  /** The `next_cursor` of the page before. Default: the first page. */
  cursor?: string;
  signal?: AbortSignal;
}

/** How long a submission that nobody waits for any more is looked for, to cancel it. */
const CANCEL_MS = 10_000;

/** A client of the service for one user. */
export class Coderun {
  private readonly connection: Connection;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
  }

  /** Runs a program to its end. The signal also stops the program. */
  async run(submission: Submission, options: SubmitOptions = {}): Promise<ExecutionRecord> {
    const prefer = { Prefer: `wait=${WAIT_SECONDS}` };
    return this.submit(submission, options, prefer, async (answer) => {
      if ("verdict" in answer && answer.verdict !== null) return answer;
      return this.execution(answer.execution_id).result(options.signal);
    });
  }

  /** Submits a program. The signal has no effect once it is accepted. */
  execute(submission: Submission, options: SubmitOptions = {}): Promise<Execution> {
    return this.submit(submission, options, {}, (answer) => this.execution(answer.execution_id));
  }

  /** The execution of this id, which need not exist. */
  execution(id: string): Execution {
    return new Execution(this.connection, id);
  }

  /** A page of the user's executions that still exist, newest first. */
  executions({ limit, cursor, signal }: PageOptions = {}): Promise<Schemas["ExecutionList"]> {
    const query = new URLSearchParams();
    if (limit !== undefined) query.set("limit", `${limit}`);
    if (cursor !== undefined) query.set("cursor", cursor);
    return this.connection.request(`/api/v1/executions?${query}`, { signal });
  }

  /** Deletes all executions of the user, after stopping those that run. */
  async deleteAll(signal?: AbortSignal): Promise<void> {
    await this.connection.request("/api/v1/executions", { method: "DELETE", signal });
  }

  /** Submits a program, and makes the result of the answer. If the signal ends that, the execution is cancelled. */
  private async submit<T>(
    submission: Submission,
    { idempotencyKey = newKey(), signal }: SubmitOptions,
    headers: Record<string, string>,
    use: (answer: Answer) => T | Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { input, ...rest } = submission;
    const effects = { count: 0 };
    const request: Request = (more, until) =>
      this.connection.request("/api/v1/executions/execute", {
        method: "POST",
        headers: { ...more, "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
        body: JSON.stringify(input === undefined ? rest : { ...rest, input_data: input }),
        signal: until,
        effects,
      });
    try {
      return await use(await request(headers, signal));
    } catch (error) {
      if (signal?.aborted && effects.count > 0) void this.cancelUnknown(request);
      throw error;
    }
  }

  /** Cancels a submission that may have been accepted: under the same key, the answer is given again. */
  private async cancelUnknown(request: Request): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_MS);
    try {
      const { execution_id } = await request({}, signal);
      await this.execution(execution_id).cancel(signal);
    } catch {
      // Nobody waits for it. An execution that is not cancelled ends by its limits.
    }
  }
}

/** A random key. `crypto.randomUUID` is missing on pages without TLS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
