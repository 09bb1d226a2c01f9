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

/**
 * The messages about an execution in order, each stored one once, until it is final.
 *
 * A connection that breaks is replaced by one that continues after the last message.
 */
export class Watch implements AsyncIterable<ServerMessage> {
  private socket: WebSocket | undefined;
  private unsent: string[] = [];

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
    if (this.socket?.readyState === this.connection.WebSocket.OPEN) this.socket.send(text);
    else this.unsent.push(text);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, void> {
    let failures = 0;
    let isRefused = false;
    for (;;) {
      this.signal?.throwIfAborted();
      const code: number = yield* this.follow(await this.connection.token(isRefused), () => {
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
    socket.onopen = () => {
      for (const text of this.unsent.splice(0)) socket.send(text);
    };
    socket.onmessage = ({ data }) => add(JSON.parse(String(data)) as ServerMessage);
    socket.onclose = ({ code }) => add(code);
    const close = () => socket.close();
    this.signal?.addEventListener("abort", close);
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
      this.signal?.removeEventListener("abort", close);
      socket.close();
    }
  }
}
