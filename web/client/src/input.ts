// Keeps input for a program until a WebSocket can take it.

import { type Connection, Transport } from "./connection.js";
import { CoderunError } from "./error.js";
import type { components } from "./generated/openapi.js";

type ClientMessage = components["schemas"]["ClientMessage"];
/** An open socket that takes input. */
export interface InputSocket {
  send(text: string): void;
  /** What it has taken and not sent yet. */
  readonly bufferedAmount: number;
}

/** The service keeps as much for a program that does not read. */
const QUEUE_MAX = 1024 * 1024;
/** What an open socket may hold that the network, or a program that does not read, does not take. */
const BUFFERED_MAX = 4 * QUEUE_MAX;
/**
 * How much input may make the service hold back a pong: it does so when 1 MiB waits for the program, counted in UTF-8, of which a
 * unit of a text has up to three bytes, and with 64 bytes more for each message.
 */
const UNREAD_MIN = QUEUE_MAX / 4;
const MESSAGE_COST = 64;
/** In JSON, a unit of a text takes six bytes at most, and a message may have 64 KiB. */
const MESSAGE_MAX = 10_000;

/** The input for one execution, in order. */
export class InputQueue {
  /** How many watches may bring a socket. */
  watches = 0;
  /** Why the last watch that was to bring one could not. */
  failure: unknown;
  /** That earlier input was lost or refused, if no watch tells: the next call fails with it once. */
  report: unknown;
  private unsent: string[] = [];
  private size = 0;
  private sentSize = 0;
  /** The open sockets. The first one takes the input. */
  private readonly sockets: InputSocket[] = [];

  constructor(private readonly connection: Connection) {}

  /**
   * Sends text to the program's stdin, in as many messages as it needs.
   *
   * @throws CoderunError if no socket can be opened, or too much waits for one.
   */
  text(text: string): void {
    this.requireSocket();
    const [socket] = this.sockets;
    const [waiting, max] = socket ? [socket.bufferedAmount, BUFFERED_MAX] : [this.size, QUEUE_MAX];
    if (waiting + text.length > max) {
      throw new CoderunError(`More than ${max / QUEUE_MAX} MiB of input waits for ${socket ? "the" : "a"} connection`, 0);
    }
    for (let start = 0; start < text.length; start += MESSAGE_MAX) {
      this.push({ type: "stdin", data: text.slice(start, start + MESSAGE_MAX) });
    }
  }

  /** Ends the program's stdin. Throws as `text`. */
  end(): void {
    this.requireSocket();
    this.push({ type: "stdin_close" });
  }

  /** Gives a socket that has opened what waits, and then what comes. */
  attach(socket: InputSocket): void {
    this.failure = undefined;
    this.sockets.push(socket);
    if (this.sockets.length > 1) return;
    for (const text of this.discard()) this.pass(socket, text);
  }

  detach(socket: InputSocket): void {
    const index = this.sockets.indexOf(socket);
    if (index >= 0) this.sockets.splice(index, 1);
  }

  /** Whether so much was sent that the service may hold back pongs until the program reads. */
  get mayBeUnread(): boolean {
    return this.sentSize >= UNREAD_MIN;
  }

  /** Takes out what waits. */
  discard(): string[] {
    this.size = 0;
    return this.unsent.splice(0);
  }

  private push(message: ClientMessage): void {
    const text = JSON.stringify(message);
    const [socket] = this.sockets;
    if (socket) return this.pass(socket, text);
    this.unsent.push(text);
    this.size += text.length;
  }

  private pass(socket: InputSocket, text: string): void {
    this.sentSize += text.length + MESSAGE_COST;
    socket.send(text);
  }

  private requireSocket(): void {
    const { report } = this;
    this.report = undefined;
    if (report) throw report;
    if (this.sockets.length > 0) return;
    if (this.failure) throw this.failure;
    if (this.connection.transport === Transport.Socket) return;
    throw new CoderunError("Input needs a WebSocket, which cannot be opened here", 0);
  }
}
