// Plays a service by a script: each request and each connection of a socket takes the next step.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

import type { ServerMessage } from "../src/index.js";

/** An answer to a request, or none: the connection is cut. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | "cut";
/** What a socket sends before it closes, once it may, with the code; `cut` closes it without one. */
export type Session = { messages: ServerMessage[]; mayClose?: Promise<void>; code: number | "cut" };
export type Step = Answer | Session;

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A service that takes these steps: its address, the requests that it has seen, and how to stop it. */
export async function scripted(steps: Step[]) {
  const seen: Seen[] = [];
  const take = <S extends Step>(request: IncomingMessage, body: string): S => {
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    const step = steps.shift();
    if (!step) throw new Error(`no step for ${request.method} ${request.url}`);
    return step as S;
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    answer(response, take<Answer>(request, body));
  });
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket) => {
    sockets.add(socket);
    void serve(request, socket, take<Session>(request, ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, steps, stop };
}

function answer(response: ServerResponse, step: Answer) {
  if (step === "cut") return response.destroy();
  const type = step.status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(step.status, { "content-type": type, ...step.headers });
  return response.end(step.body === undefined ? undefined : JSON.stringify(step.body));
}

/** Serves a WebSocket (RFC 6455), without reading what the client sends. */
async function serve(request: IncomingMessage, socket: Duplex, { messages, mayClose, code }: Session) {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.on("error", () => {});
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: execution.v1\r\n\r\n`,
  );
  for (const message of messages) socket.write(frame(0x81, Buffer.from(JSON.stringify(message))));
  await mayClose;
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
