// Gives access to one execution.

import type { Connection } from "./connection.js";
import { CoderunError } from "./error.js";
import type { components } from "./generated/openapi.js";
import { InputQueue } from "./input.js";
import type { OutputPiece } from "./output.js";
import { poll } from "./polling.js";
import type { ServerMessage } from "./progress.js";
import { Watch } from "./watch.js";

type ExecutionRecord = components["schemas"]["Record"];

/** A submitted program. Iterating over it gives its messages from the first to the last. */
export class Execution implements AsyncIterable<ServerMessage> {
  private readonly input: InputQueue;

  constructor(
    private readonly connection: Connection,
    readonly id: string,
  ) {
    this.input = new InputQueue(connection);
  }

  /** Follows the execution from the message after `since`, by default from the first. */
  watch({ since = 0, signal }: { since?: number; signal?: AbortSignal } = {}): Watch {
    return new Watch(this.connection, this.path, this.input, since, signal);
  }

  [Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, void> {
    return this.watch()[Symbol.asyncIterator]();
  }

  /** What the program writes, from the beginning. */
  get output(): AsyncGenerator<OutputPiece, void, void> {
    return this.watch().output;
  }

  /**
   * Sends input to the program's stdin, as `Watch.send` does. Without a watch it opens a connection by itself; then a later call
   * throws what an `error` message says.
   */
  send(text: string): void {
    this.input.text(text);
    this.keepConnected();
  }

  /** Ends the program's stdin. Throws as `send`. */
  closeInput(): void {
    this.input.end();
    this.keepConnected();
  }

  /** The record as it is now. */
  record(signal?: AbortSignal): Promise<ExecutionRecord> {
    return this.status("", signal);
  }

  /** The record once it is final. */
  async result(signal?: AbortSignal): Promise<ExecutionRecord> {
    for await (const record of poll((query) => this.status(query, signal), signal)) {
      if (record.verdict !== null) return record;
    }
    throw new TypeError("polls end with a final record");
  }

  /** Stops the program. */
  cancel(signal?: AbortSignal): Promise<ExecutionRecord> {
    return this.connection.request(this.path("cancel"), { method: "POST", signal });
  }

  /** Deletes the record and all that belongs to it, after stopping the program. One that is gone already is no error. */
  async delete(signal?: AbortSignal): Promise<void> {
    try {
      await this.connection.request(this.path(""), { method: "DELETE", signal });
    } catch (error) {
      // The answer to an earlier attempt may have been lost.
      if (!(error instanceof CoderunError && error.status === 404)) throw error;
    }
  }

  /** Follows the execution for the sake of its input, unless a watch does. */
  private keepConnected(): void {
    if (this.input.watches > 0) return;
    const follow = async () => {
      for await (const message of this.watch()) {
        if (message.type === "error") this.input.report = new CoderunError(message.data.detail, 0);
      }
    };
    follow().catch((error: unknown) => {
      this.input.failure = error;
      // The failure says enough.
      this.input.report = undefined;
    });
  }

  private status(query: string, signal?: AbortSignal): Promise<ExecutionRecord> {
    return this.connection.request(this.path("status") + query, { signal });
  }

  private readonly path = (route: string): string => {
    const id = encodeURIComponent(this.id);
    return `/api/v1/executions/${route === "" ? id : `${route}/${id}`}`;
  };
}
