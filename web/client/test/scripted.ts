// Plays a service by a script: each request and each connection of a socket takes the next step.
// A request passes over the steps of sockets, because one that is sent right after a socket may arrive before it.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";

import { type ClientMessage, Coderun, type ConnectionOptions, type ServerMessage } from "../src/index.js";

/** An answer to a request, or none: the connection is cut, or stays silent. To an upgrade, each refuses it. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | "cut" | "silence";
/** What an event stream sends, and how it ends after that. */
export type Stream = { frames: readonly (ServerMessage | string)[]; mayEnd?: Promise<void>; end: "end" | "cut" | "silence" };
/** What a socket sends before it closes, once it may, with the code; `cut` closes it without one. */
export type Session = {
  messages: ServerMessage[];
  mayClose?: Promise<void>;
  /** What it sends then. */
  last?: ServerMessage[];
  code: number | "cut";
  /** Gets what the client sends; what it returns is sent back. */
  onMessage?: (message: ClientMessage) => ServerMessage | undefined;
};
export type Step = Answer | Stream | Session;

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A service that takes these steps: its address, the requests that it has seen, and how to stop it. */
export async function scripted(steps: Step[]) {
  const seen: Seen[] = [];
  const take = (request: IncomingMessage, body: string): Step => {
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    const isSocket = request.headers.upgrade !== undefined;
    const index = steps.findIndex((step) => isSocket || step === "cut" || step === "silence" || !("code" in step));
    const [step] = index < 0 ? [] : steps.splice(index, 1);
    if (!step) throw new Error(`no step for ${request.method} ${request.url}`);
    return step;
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    answer(response, take(request, body));
  });
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const step = take(request, "");
    if (step === "cut") socket.destroy();
    else if (typeof step === "object" && "code" in step) void serve(request, socket, step);
    else if (typeof step === "object") socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, steps, stop };
}

/** A scripted service with a client, whose pauses are as short as they can be. */
export async function start(context: TestContext, steps: Step[], options: Partial<ConnectionOptions> = {}) {
  context.mock.method(Math, "random", () => 0);
  const service = await scripted(steps);
  context.after(service.stop);
  const refreshed: boolean[] = [];
  const getToken = ({ forceRefresh }: { forceRefresh: boolean }) => {
    refreshed.push(forceRefresh);
    return forceRefresh ? "fresh" : "old";
  };
  const client = new Coderun({ baseUrl: service.baseUrl, getToken, retryMs: 5_000, ...options });
  return { ...service, client, refreshed };
}

/** A WebSocket that counts the pongs that have arrived. */
export function countPongs() {
  let pongs = 0;
  class Counting extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => (pongs += JSON.parse(data).type === "pong" ? 1 : 0));
    }
  }
  return { WebSocket: Counting, pongs: () => pongs };
}

/** Makes the timers of a time end after a shorter one. */
export function shorten(context: TestContext, milliseconds: number, shortMs: number) {
  const { setTimeout } = globalThis;
  const short = (callback: () => void, time?: number) => setTimeout(callback, time === milliseconds ? shortMs : time);
  context.mock.method(globalThis, "setTimeout", short as typeof setTimeout);
}

function answer(response: ServerResponse, step: Step) {
  if (step === "silence") return;
  if (step === "cut") return response.destroy();
  if ("frames" in step) return stream(response, step);
  if ("code" in step) return response.destroy();
  const type = step.status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(step.status, { "content-type": type, ...step.headers });
  return response.end(step.body === undefined ? undefined : JSON.stringify(step.body));
}

async function stream(response: ServerResponse, { frames, mayEnd, end }: Stream) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("retry: 1000\n\n");
  for (const frame of frames) {
    if (typeof frame === "string") response.write(frame);
    else response.write(`event: ${frame.type}\n${"seq" in frame ? `id: ${frame.seq}\n` : ""}data: ${JSON.stringify(frame)}\n\n`);
  }
  await mayEnd;
  if (end === "end") response.end();
  if (end === "cut") response.write("data: {", () => response.destroy());
}

/** Serves a WebSocket (RFC 6455). */
async function serve(request: IncomingMessage, socket: Duplex, step: Session) {
  const { messages, mayClose, last = [], code, onMessage } = step;
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: execution.v1\r\n\r\n`,
  );
  const send = (message: ServerMessage) => socket.write(frame(0x81, Buffer.from(JSON.stringify(message))));
  for (const message of messages) send(message);
  if (onMessage) {
    readFrames(socket, (text) => {
      const reply = onMessage(JSON.parse(text));
      if (reply) send(reply);
    });
  }
  await mayClose;
  for (const message of last) send(message);
  if (code === "cut") {
    socket.end();
    return;
  }
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  socket.end(frame(0x88, payload));
}

function frame(first: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(first, 0);
  head.writeUInt8(126, 1);
  head.writeUInt16BE(payload.length, 2);
  const short = Buffer.from([first, payload.length]);
  return Buffer.concat([payload.length < 126 ? short : head, payload]);
}

/** Reads the masked text frames of a client, each shorter than 64 KiB. */
function readFrames(socket: Duplex, onText: (text: string) => void) {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 6) {
      const short = bytes.readUInt8(1) & 0x7f;
      const start = short === 126 ? 8 : 6;
      if (bytes.length < start) return;
      const length = short === 126 ? bytes.readUInt16BE(2) : short;
      if (bytes.length < start + length) return;
      const mask = bytes.subarray(start - 4, start);
      const text = bytes.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
      if ((bytes.readUInt8(0) & 0xf) === 1) onText(text.toString());
      bytes = bytes.subarray(start + length);
    }
  });
}
