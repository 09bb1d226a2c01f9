// Follows an execution across connections that break.

import { type Connection, Transport } from "./connection.js";
import { CoderunError, TokenFailure } from "./error.js";
import { followEventStream } from "./event-stream.js";
import type { InputQueue } from "./input.js";
import { type OutputPiece, readOutput } from "./output.js";
import { followByPolling } from "./polling.js";
import { Progress, type ServerMessage } from "./progress.js";
import { Retry } from "./retry.js";
import { followSocket } from "./socket.js";
import { errorMessage, type Follow, type Subscription } from "./transport.js";

const FOLLOW: Record<Transport, Follow> = {
  [Transport.Socket]: followSocket,
  [Transport.EventStream]: followEventStream,
  [Transport.Polling]: followByPolling,
};

/** How often in a row a way must fail to open, while the service answers requests, to count as stopped. */
const STOPPED_COUNT = 2;
/** The same for a way that has worked before. A part of the service may be away, behind a load balancer. */
const STOPPED_AGAIN_COUNT = 5;

/** What the attempts of one watch have come to. */
interface Attempts {
  retry: Retry;
  /** Whether a token was refused since the service last accepted one: it is replaced once. */
  hasRefreshed: boolean;
  /** Whether the next token must be a fresh one. */
  mustRefresh: boolean;
  /** Whether the last connection has opened. */
  hasOpened: boolean;
  /** How many connections in a row have not opened although the service answers. */
  stopped: number;
}

/**
 * The messages about an execution in order, each stored one once, until it is final.
 *
 * A connection that breaks is replaced by one that continues after the last message. Messages come over a WebSocket; where none
 * opens, as an event stream; and where that does not go through, once the execution is final, after its states.
 */
export class Watch implements AsyncIterable<ServerMessage> {
  private readonly progress: Progress;

  constructor(
    private readonly connection: Connection,
    private readonly path: (route: string) => string,
    private readonly input: InputQueue,
    since: number,
    private readonly signal?: AbortSignal,
  ) {
    this.progress = new Progress(since);
  }

  /** What the program writes, in place of the messages: iterate over one of them. */
  get output(): AsyncGenerator<OutputPiece, void, void> {
    return readOutput(this);
  }

  /**
   * Sends input to the program's stdin, and keeps up to 1 MiB for the next connection while there is none. What is on its way
   * when a connection breaks may be lost; an `error` message says so. It has no effect once the execution is final.
   *
   * @throws CoderunError if no WebSocket can be opened, which input needs, or too much waits for one.
   */
  send(text: string): void {
    this.input.text(text);
  }

  /** Ends the program's stdin. Throws as `send`. */
  closeInput(): void {
    this.input.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, void> {
    this.input.watches += 1;
    try {
      yield* this.messages();
    } finally {
      this.input.watches -= 1;
    }
  }

  private async *messages(): AsyncGenerator<ServerMessage, void, void> {
    const retry = new Retry(this.connection.retryMs, this.signal);
    const attempts: Attempts = { retry, hasRefreshed: false, mustRefresh: false, hasOpened: false, stopped: 0 };
    for (;;) {
      const { transport } = this.connection;
      if (transport !== Transport.Socket && this.input.discard().length > 0) {
        yield errorMessage("Input needs a WebSocket, which cannot be opened here; it was not sent");
      }
      try {
        const messages = FOLLOW[transport](await this.subscribe(transport, attempts));
        for await (const message of messages) if (this.progress.advance(message)) yield message;
        return;
      } catch (error) {
        await this.recover(error, transport, attempts);
      }
    }
  }

  private async subscribe(transport: Transport, attempts: Attempts): Promise<Subscription> {
    const { connection, path, input, progress, signal } = this;
    const token = await connection.token(attempts.mustRefresh, signal);
    attempts.mustRefresh = false;
    attempts.hasOpened = false;
    const opened = () => {
      connection.worked.add(transport);
      attempts.hasOpened = true;
      attempts.stopped = 0;
    };
    const alive = () => {
      attempts.hasRefreshed = false;
      attempts.retry.reset();
    };
    const answered = () => attempts.retry.hurry();
    return { connection, path, input, progress, signal, token, opened, alive, answered };
  }

  /** Prepares the next attempt after a failure: waits, or chooses another way. Fails if no further attempt can help. */
  private async recover(error: unknown, transport: Transport, attempts: Attempts): Promise<void> {
    this.signal?.throwIfAborted();
    if (!(error instanceof CoderunError)) throw error;
    if (error.status === 401 && !attempts.hasRefreshed) {
      attempts.hasRefreshed = attempts.mustRefresh = true;
      return;
    }
    const wasTried = transport !== Transport.Polling && !(error instanceof TokenFailure);
    const mayBeStopped = error.status === 0 && !attempts.hasOpened && wasTried;
    if (!mayBeStopped || !(await this.isReachable())) return attempts.retry.pauseAfter(error);
    attempts.stopped += 1;
    const count = this.connection.worked.has(transport) ? STOPPED_AGAIN_COUNT : STOPPED_COUNT;
    if (attempts.stopped < count) return;
    attempts.stopped = 0;
    this.connection.fallBackFrom(transport);
  }

  /** Whether the service answers a request, so that a connection which does not open is stopped on its way. */
  private async isReachable(): Promise<boolean> {
    try {
      const token = await this.connection.token(false, this.signal);
      await this.connection.attempt(this.path("status"), token, { method: "HEAD", signal: this.signal });
      return true;
    } catch (error) {
      this.signal?.throwIfAborted();
      return error instanceof CoderunError && error.status > 0 && !error.isTransient;
    }
  }
}
