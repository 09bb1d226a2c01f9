// Follows an execution over one WebSocket.

import { CoderunError } from "./error.js";
import type { components } from "./generated/openapi.js";
import type { InputSocket } from "./input.js";
import { refreshDelayMs } from "./token.js";
import { isFinal, type ServerMessage } from "./progress.js";
import { errorMessage, type Subscription } from "./transport.js";

type ClientMessage = components["schemas"]["ClientMessage"];
type ExecutionRecord = components["schemas"]["Record"];

/** What is used of a WebSocket, so that the one of the package `ws` fits as well. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount?: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

const OPEN = 1;
/** The code of a connection that was lost without a close frame. */
const LOST = 1006;
const FINISHED = 1000;
const REFUSED = 1008;

/** What close codes stand for. Where the status is 0 or 5xx, another connection may help. */
const CLOSE_CODES: Record<number, [status: number, message: string, retryAfterMs?: number]> = {
  [REFUSED]: [400, "The service refuses this connection"],
  1009: [413, "A message was too large"],
  1011: [500, "The service has failed"],
  1012: [503, "The service is stopping"],
  1013: [503, "The service is overloaded", 1_000],
  4001: [401, "The token was refused"],
  4003: [403, "Access denied"],
  4004: [404, "Execution not found"],
};

/** How long a connection may take to open. */
const OPEN_MS = 10_000;
/** A refusal comes sooner. Later the same code means that pings were not answered, as by a computer that slept. */
const REFUSAL_MS = 10_000;
/** How often a quiet connection is pinged. It is lost if nothing comes until the next ping is due. */
const PING_INTERVAL_MS = 20_000;
/** The least time from a notice that a token expires to the next token: the notice for a short-lived one comes at once. */
const REFRESH_MIN_MS = 1_000;

/**
 * The messages of one socket. It returns once the execution is final.
 *
 * @throws CoderunError with what the close code stands for.
 */
export async function* followSocket(subscription: Subscription): AsyncGenerator<ServerMessage, void, void> {
  const socket = await SocketSession.open(subscription);
  try {
    for (;;) {
      const item = await socket.next();
      if (typeof item === "number") {
        if (item === FINISHED && (await isOver(subscription))) return;
        if (socket.hasUnconfirmedInput) yield errorMessage("The connection broke: the last input may be lost");
        throw socket.failure(item);
      }
      yield item;
      if (isFinal(item)) return;
    }
  } finally {
    socket.close();
  }
}

/** Whether the service has closed the socket because nothing follows, and not a proxy in between. */
async function isOver({ connection, path, token, progress, signal }: Subscription): Promise<boolean> {
  const record = await connection.attempt<ExecutionRecord>(path("status"), token, { signal });
  // The program may have ended since the proxy closed the socket: then the last messages are still to come.
  return record.verdict !== null && record.seq <= progress.since;
}

/** One socket: its messages in order, then its close code. */
class SocketSession implements InputSocket {
  private readonly received: (ServerMessage | number)[] = [];
  private wake = () => {};
  private readonly openedAt = performance.now();
  private readonly opening: ReturnType<typeof setTimeout>;
  private readonly pings: ReturnType<typeof setInterval>;
  private refresh: ReturnType<typeof setTimeout> | undefined;
  private leaving: ReturnType<typeof setTimeout> | undefined;
  private isSilent = false;
  private isPongDue = false;
  /** How much input was sent, how much of it before the last ping, and how much is stored for sure: a pong says so. */
  private sent = 0;
  private pinged = 0;
  private confirmed = 0;

  static async open(subscription: Subscription): Promise<SocketSession> {
    const { connection, path, token, progress, signal } = subscription;
    const protocols = ["execution.v1"];
    let query = `?since=${progress.since}`;
    if (connection.tickets) {
      const options = { method: "POST", signal };
      const { ticket } = await connection.attempt<{ ticket: string }>(path("ticket"), token, options);
      query += `&ticket=${encodeURIComponent(ticket)}`;
    } else protocols.push(`bearer.${token}`);
    const url = connection.url(path("ws") + query).replace(/^http/, "ws");
    const { WebSocket } = connection;
    try {
      if (!WebSocket) throw new TypeError("there is no WebSocket");
      return new SocketSession(new WebSocket(url, protocols), subscription);
    } catch (cause) {
      throw new CoderunError("A WebSocket cannot be opened", 0, { cause });
    }
  }

  private constructor(
    private readonly socket: WebSocketLike,
    private readonly subscription: Subscription,
  ) {
    socket.onopen = () => this.onOpen();
    socket.onmessage = ({ data }) => this.onMessage(JSON.parse(String(data)));
    socket.onclose = ({ code }) => this.end(code);
    // It means that there is no close code. Node.js 20 closes nothing after it.
    socket.onerror = this.drop;
    this.opening = setTimeout(this.drop, OPEN_MS);
    this.pings = setInterval(() => this.onInterval(), PING_INTERVAL_MS);
    subscription.signal?.addEventListener("abort", this.drop);
  }

  /** Waits for the next message, or the close code. */
  async next(): Promise<ServerMessage | number> {
    for (;;) {
      const item = this.received.shift();
      if (item !== undefined) return item;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  send(text: string): void {
    this.socket.send(text);
    this.sent += 1;
    this.ping();
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  get hasUnconfirmedInput(): boolean {
    return this.confirmed < this.sent;
  }

  failure(code: number): CoderunError {
    const isOld = performance.now() - this.openedAt > REFUSAL_MS;
    const known = code === REFUSED && isOld ? undefined : CLOSE_CODES[code];
    const [status, message, retryAfterMs = 0] = known ?? [0, `The connection was closed with code ${code}`];
    return new CoderunError(message, status, { retryAfterMs });
  }

  close(): void {
    const { signal, input } = this.subscription;
    clearTimeout(this.opening);
    clearInterval(this.pings);
    clearTimeout(this.refresh);
    clearTimeout(this.leaving);
    signal?.removeEventListener("abort", this.drop);
    input.detach(this);
    this.socket.close();
  }

  private onOpen(): void {
    clearTimeout(this.opening);
    this.isSilent = false;
    this.subscription.opened();
    this.subscription.input.attach(this);
    if (!this.subscription.connection.tickets) this.refreshBeforeExpiry(this.subscription.token);
  }

  private onMessage(message: ServerMessage): void {
    this.isSilent = false;
    if ("seq" in message || message.type === "pong") this.subscription.alive();
    if (message.type === "auth_expiring") this.refreshIn(Math.max(message.data.expires_in_ms / 2, REFRESH_MIN_MS));
    if (message.type === "going_away") this.leaveWithin(message.data.reconnect_within_ms);
    if (message.type !== "pong") return this.add(message);
    this.isPongDue = false;
    this.confirmed = this.pinged;
    if (this.hasUnconfirmedInput) this.ping();
  }

  private add(item: ServerMessage | number): void {
    this.received.push(item);
    this.wake();
  }

  /** Input waits for the next socket from now on. */
  private end(code: number): void {
    this.subscription.input.detach(this);
    this.add(code);
  }

  private readonly drop = () => this.end(LOST);

  /** Asks for a pong, which comes once all input before the ping is stored, unless one is still due. */
  private ping(): void {
    if (this.isPongDue || this.socket.readyState !== OPEN) return;
    this.command({ type: "ping" });
    this.isPongDue = true;
    this.pinged = this.sent;
  }

  private onInterval(): void {
    // Much input that the program does not read holds up the pong.
    const mayPongWait = this.hasUnconfirmedInput && this.subscription.input.mayBeUnread;
    if (this.isSilent && !mayPongWait) return this.drop();
    this.isSilent = true;
    this.ping();
  }

  /** Sends a fresh token, so that the socket stays open. Without one, it is closed when the last one expires. */
  private async authenticate(): Promise<void> {
    try {
      const token = await this.subscription.connection.token(true, this.subscription.signal);
      if (this.socket.readyState !== OPEN) return;
      this.command({ type: "auth", token });
      this.refreshBeforeExpiry(token);
    } catch {
      // The next connection asks for a token again, and reports what is wrong.
    }
  }

  private refreshBeforeExpiry(token: string): void {
    const delayMs = refreshDelayMs(token);
    if (delayMs > 0) this.refreshIn(delayMs);
  }

  private refreshIn(delayMs: number): void {
    clearTimeout(this.refresh);
    this.refresh = setTimeout(() => void this.authenticate(), delayMs);
  }

  /** Leaves a process that is stopping at a time of its own, so that not all clients reconnect when it ends. */
  private leaveWithin(milliseconds: number): void {
    const leave = () => {
      if (!this.hasUnconfirmedInput) this.drop();
    };
    this.leaving = setTimeout(leave, (Math.random() * milliseconds) / 2);
  }

  private command(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }
}
