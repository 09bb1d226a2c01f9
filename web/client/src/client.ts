// Submits programs, and gives access to their executions.

import { Connection, type ConnectionOptions } from "./connection.js";
import { CoderunError } from "./error.js";
import type { components } from "./generated/openapi.js";
import { Watch } from "./watch.js";

type Schemas = components["schemas"];
type Submission = Schemas["Submission"];
type ExecutionRecord = Schemas["Record"];

/** Seconds that one request waits for a change. */
const WAIT_SECONDS = 30;

export interface SubmitOptions {
  /** Names the submission: under the same key it is the same execution. Default: a new one. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** A client of the service for one user. */
export class Coderun {
  private readonly connection: Connection;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
  }

  /** Runs a program to its end. */
  async run(submission: Submission, options: SubmitOptions = {}): Promise<ExecutionRecord> {
    const answer = await this.submit(submission, options, { Prefer: `wait=${WAIT_SECONDS}` });
    if ("verdict" in answer && answer.verdict !== null) return answer;
    return this.execution(answer.execution_id).result(options.signal);
  }

  /** Submits a program. */
  async execute(submission: Submission, options: SubmitOptions = {}): Promise<Execution> {
    const answer = await this.submit(submission, options, {});
    return this.execution(answer.execution_id);
  }

  /** The execution of this id, which need not exist. */
  execution(id: string): Execution {
    return new Execution(this.connection, id);
  }

  private async submit(
    submission: Submission,
    { idempotencyKey, signal }: SubmitOptions,
    headers: Record<string, string>,
  ): Promise<Schemas["Accepted"] | ExecutionRecord> {
    const response = await this.connection.request("/api/v1/executions/execute", {
      method: "POST",
      headers: {
        ...headers,
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey ?? newKey(),
      },
      body: JSON.stringify(submission),
      signal: signal ?? null,
    });
    return response.json();
  }
}

/** A random key. `crypto.randomUUID` is missing on pages without TLS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A submitted program. Iterating over it gives its messages from the first to the last. */
export class Execution implements AsyncIterable<Schemas["ServerMessage"]> {
  constructor(
    private readonly connection: Connection,
    readonly id: string,
  ) {}

  /** Follows the execution from the message after `since`, by default from the first. */
  watch({ since = 0, signal }: { since?: number; signal?: AbortSignal } = {}): Watch {
    return new Watch(this.connection, this.id, since, signal);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Schemas["ServerMessage"], void, void> {
    return this.watch()[Symbol.asyncIterator]();
  }

  /** The record as it is now. */
  record(signal?: AbortSignal): Promise<ExecutionRecord> {
    return this.status("", signal);
  }

  /** The record once it is final. */
  async result(signal?: AbortSignal): Promise<ExecutionRecord> {
    let record = await this.record(signal);
    while (record.verdict === null) {
      record = await this.status(`?wait=${WAIT_SECONDS}&since=${record.seq}`, signal);
    }
    return record;
  }

  /** Stops the program. */
  async cancel(signal?: AbortSignal): Promise<ExecutionRecord> {
    const init = { method: "POST", signal: signal ?? null };
    const response = await this.connection.request(this.path("cancel/"), init);
    return response.json();
  }

  /** Deletes the record and all that belongs to it, after stopping the program. One that is gone already is no error. */
  async delete(signal?: AbortSignal): Promise<void> {
    try {
      await this.connection.request(this.path(""), { method: "DELETE", signal: signal ?? null });
    } catch (error) {
      // The answer to an earlier attempt may have been lost.
      if (!(error instanceof CoderunError && error.status === 404)) throw error;
    }
  }

  private async status(query: string, signal?: AbortSignal): Promise<ExecutionRecord> {
    const response = await this.connection.request(this.path("status/") + query, { signal: signal ?? null });
    return response.json();
  }

  private path(route: string): string {
    return `/api/v1/executions/${route}${encodeURIComponent(this.id)}`;
  }
}
