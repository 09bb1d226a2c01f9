// Follows an execution over a WebSocket, across connections that break.

import type { Connection } from "./connection.js";
import { CoderunError } from "./error.js";
import type { components } from "./generated/openapi.js";
import { backoffMs, pause } from "./pause.js";

type ServerMessage = components["schemas"]["ServerMessage"];
type ClientMessage = components["schemas"]["ClientMessage"];

/** What a close code means that no further connection changes. */
const FINAL_CODES: Record<number, [status: number, message: string]> = {
  1008: [400, "The service refuses this connection"],
  1009: [413, "A message was too large"],
  4003: [403, "Access denied"],
  4004: [404, "Execution not found"],
};
const EXPIRED = 4001;
/** The code of a connection that was lost without a close frame. */
const LOST = 1006;

/** How often a quiet connection is pinged. It is lost if nothing comes until the next ping is due. */
const PING_INTERVAL_MS = 20_000;

/**
 * The messages about an execution in order, each stored one once, until it is final.
 *
 * A connection that breaks is replaced by one that continues after the last message.
 */
export class Watch implements AsyncIterable<ServerMessage> {
  private socket: WebSocket | undefined;
  private unsent: string[] = [];
  /** Whether input was sent after the last ping. */
  private hasSentInput = false;

  constructor(
    private readonly connection: Connection,
    private readonly id: string,
    private since: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** Sends input to the program's stdin. What is on its way when a connection breaks may be lost. */
  send(text: string): void {
    this.command({ type: "stdin", data: text });
  }

  /** Ends the program's stdin. */
  closeInput(): void {
    this.command({ type: "stdin_close" });
  }

  private command(message: ClientMessage): void {
    const text = JSON.stringify(message);
    if (this.socket?.readyState === this.connection.WebSocket.OPEN) this.sendInput(this.socket, text);
    else this.unsent.push(text);
  }

  private sendInput(socket: WebSocket, text: string): void {
    socket.send(text);
    this.hasSentInput = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, void> {
    let failures = 0;
    let isRefused = false;
    for (;;) {
      this.signal?.throwIfAborted();
      const token = await this.connection.token(isRefused);
      this.signal?.throwIfAborted();
      const code: number = yield* this.follow(token, () => {
        failures = 0;
        isRefused = false;
      });
      this.signal?.throwIfAborted();
      if (code === 1000) return;
      const final = FINAL_CODES[code];
      if (final) throw new CoderunError(final[1], final[0]);
      if (code === EXPIRED && isRefused) throw new CoderunError("The token was refused", 401);
      isRefused = code === EXPIRED;
      failures += 1;
      if (failures >= this.connection.attempts) {
        throw new CoderunError(`The connection was closed with code ${code}`, 0);
      }
      await pause(isRefused ? 0 : backoffMs(failures), this.signal);
    }
  }

  /** The messages of one connection, and its close code. */
  private async *follow(token: string, onMessage: () => void): AsyncGenerator<ServerMessage, number, void> {
    const path = `/api/v1/executions/ws/${encodeURIComponent(this.id)}?since=${this.since}`;
    const protocols = ["execution.v1", `bearer.${token}`];
    const socket = new this.connection.WebSocket(this.connection.socketUrl(path), protocols);
    const received: (ServerMessage | number)[] = [];
    let wake = () => {};
    const add = (item: ServerMessage | number) => {
      received.push(item);
      wake();
    };
    let isSilent = false;
    let isPongDue = false;
    // A pong comes once the input before its ping is stored, which waits until the program reads.
    let mayPongWait = false;
    socket.onopen = () => {
      isSilent = false;
      for (const text of this.unsent.splice(0)) this.sendInput(socket, text);
    };
    socket.onmessage = ({ data }) => {
      isSilent = false;
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === "pong") isPongDue = mayPongWait = false;
      else add(message);
    };
    socket.onclose = ({ code }) => add(code);
    const drop = () => add(LOST);
    const ping = () => {
      if (isSilent && !mayPongWait) return drop();
      isSilent = true;
      if (isPongDue || socket.readyState !== this.connection.WebSocket.OPEN) return;
      socket.send(JSON.stringify({ type: "ping" } satisfies ClientMessage));
      isPongDue = true;
      mayPongWait = this.hasSentInput;
      this.hasSentInput = false;
    };
    const pings = setInterval(ping, PING_INTERVAL_MS);
    this.signal?.addEventListener("abort", drop);
    this.socket = socket;
    try {
      for (;;) {
        const item = received.shift();
        if (item === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        if (typeof item === "number") return item;
        onMessage();
        if ("seq" in item) this.since = item.seq;
        yield item;
      }
    } finally {
      clearInterval(pings);
      this.signal?.removeEventListener("abort", drop);
      socket.close();
    }
  }
}
