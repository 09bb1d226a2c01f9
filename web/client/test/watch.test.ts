// How a watch goes on when its socket breaks, against a service that follows a script.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DONE, final, ID, output, PATH, problem, read, update, until } from "./messages.js";
import { countPongs, type Session, start } from "./scripted.js";

const NEVER = new Promise<void>(() => {});

function queries(seen: { url: string }[]): (string | undefined)[] {
  return seen.map(({ url }) => url.split("?")[1]);
}

test("a watch goes on after the last message when its connection breaks", async (context) => {
  const { client, seen } = await start(context, [
    { messages: [update(1), output(2, "a")], code: "cut" },
    { messages: [output(3, "b")], code: 1012 },
    { messages: [final(4)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2, 3, 4]);
  assert.deepEqual(queries(seen), ["since=0", "since=2", "since=3"]);
  assert.equal(seen[0]?.headers["sec-websocket-protocol"], "execution.v1, bearer.old");
});

test("a watch goes on after each close code that another connection may change", async (context) => {
  for (const code of ["cut", 1001, 1006, 1011, 1012, 1013, 4001, 4999] as const) {
    // No peer may send 1006 itself: it is what a cut is seen as.
    const sent = code === 1006 ? "cut" : code;
    const { client, seen } = await start(context, [
      { messages: [update(1)], code: sent },
      { messages: [final(2)], code: 1000 },
    ]);
    assert.deepEqual(await read(client.execution(ID)), [1, 2], `${code}`);
    assert.deepEqual(queries(seen), ["since=0", "since=1"]);
  }
});

test("a watch that has everything already ends when the service closes with 1000", async (context) => {
  const { client, seen } = await start(context, [{ messages: [], code: 1000 }, DONE]);
  assert.deepEqual(await read(client.execution(ID).watch({ since: 3 })), []);
  assert.deepEqual(seen.map(({ url }) => url), [`/api/v1/executions/ws/${ID}?since=3`, PATH]);
});

test("a watch goes on when a proxy closes with 1000 before the end", async (context) => {
  const { client } = await start(context, [
    { messages: [update(1)], code: 1000 },
    { status: 200, body: { execution_id: ID, seq: 1, verdict: null } },
    { messages: [final(2)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
});

test("a watch goes on when a proxy closes with 1000 and the program has ended meanwhile", async (context) => {
  const { client } = await start(context, [
    { messages: [update(1)], code: 1000 },
    DONE,
    { messages: [output(2, "a"), final(3)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2, 3]);
});

test("a watch does not wait for the close after the final message", { timeout: 30_000 }, async (context) => {
  const { client } = await start(context, [{ messages: [final(1)], mayClose: NEVER, code: 1000 }]);
  assert.deepEqual(await read(client.execution(ID)), [1]);
});

test("a watch ends with an error that no further connection changes", async (context) => {
  for (const [code, status] of [[4003, 403], [4004, 404], [1008, 400], [1009, 413]] as const) {
    const { client, seen } = await start(context, [{ messages: [update(1)], code }]);
    await assert.rejects(read(client.execution(ID)), { name: "CoderunError", status });
    assert.equal(seen.length, 1);
  }
});

test("a watch goes on after 1008 when its connection is old: pings were not answered", async (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const steps: Session[] = [
    { messages: [update(1)], code: 1008 },
    { messages: [final(2)], code: 1000 },
  ];
  const { client, seen } = await start(context, steps, { retryMs: 60_000 });
  const numbers: number[] = [];
  for await (const message of client.execution(ID)) {
    if ("seq" in message) numbers.push(message.seq);
    now += 11_000;
  }
  assert.deepEqual(numbers, [1, 2]);
  assert.deepEqual(queries(seen), ["since=0", "since=1"]);
});

test("a watch gives up when no connection gets on in time, and says why", async (context) => {
  for (const [code, status] of [[1012, 503], [1011, 500], ["cut", 0]] as const) {
    const sessions = Array.from({ length: 4 }, () => ({ messages: [], code }));
    const { client, seen } = await start(context, sessions, { retryMs: 500 });
    await assert.rejects(read(client.execution(ID)), { name: "CoderunError", status });
    // After 125 and 250 ms.
    assert.ok(seen.length >= 2 && seen.length <= 3, `${seen.length} connections`);
  }
});

test("a watch waits a second for a service that is overloaded", async (context) => {
  const overloaded: Session = { messages: [], code: 1013 };
  const { client } = await start(context, [overloaded, { messages: [final(1)], code: 1000 }]);
  const startedAt = performance.now();
  assert.deepEqual(await read(client.execution(ID)), [1]);
  assert.ok(performance.now() - startedAt > 1_000);
  const { client: hasty, seen } = await start(context, [overloaded], { retryMs: 1_000 });
  await assert.rejects(read(hasty.execution(ID)), { name: "CoderunError", status: 503, retryAfterMs: 1_000 });
  assert.equal(seen.length, 1);
});

test("a watch leaves a process that goes away, at a random time before it ends", { timeout: 30_000 }, async (context) => {
  const goingAway = { type: "going_away" as const, data: { reconnect_within_ms: 60_000 } };
  const { client, seen } = await start(context, [
    { messages: [update(1), goingAway], mayClose: NEVER, code: 1012 },
    { messages: [final(2)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.deepEqual(queries(seen), ["since=0", "since=1"]);
});

test("a watch that gets on has its time again", async (context) => {
  const sessions = Array.from({ length: 15 }, (_, index): Session => ({ messages: [update(index + 1)], code: 1012 }));
  const { client } = await start(context, [...sessions, { messages: [final(16)], code: 1000 }], { retryMs: 1_500 });
  assert.equal((await read(client.execution(ID))).length, 16);
});

test("messages that are not stored are no progress", async (context) => {
  const queue = { type: "queue" as const, data: { position: 1, estimated_start_ms: null } };
  const sessions = Array.from({ length: 5 }, (): Session => ({ messages: [queue], code: 1012 }));
  const { client, seen } = await start(context, sessions, { retryMs: 500 });
  await assert.rejects(read(client.execution(ID)), { status: 503 });
  assert.ok(seen.length <= 3, `${seen.length} connections`);
});

test("a watch replaces a connection that answers no ping", { timeout: 30_000 }, async (context) => {
  const { client, seen } = await start(context, [
    { messages: [update(1)], mayClose: NEVER, code: "cut" },
    { messages: [final(2)], code: 1000 },
  ]);
  context.mock.timers.enable({ apis: ["setInterval"] });
  const numbers = [];
  for await (const message of client.execution(ID)) {
    if ("seq" in message) numbers.push(message.seq);
    if (numbers.length === 1) context.mock.timers.tick(40_000);
  }
  assert.deepEqual(numbers, [1, 2]);
  assert.deepEqual(queries(seen), ["since=0", "since=1"]);
});

test("a watch keeps a connection that answers pings, and hides the pongs", { timeout: 30_000 }, async (context) => {
  let close = () => {};
  const onMessage = () => ({ type: "pong" as const });
  const { WebSocket, pongs } = countPongs();
  const mayClose = new Promise<void>((resolve) => (close = resolve));
  const session: Session = { messages: [update(1)], mayClose, last: [final(2)], code: 1000, onMessage };
  const { client, seen } = await start(context, [session], { WebSocket });
  context.mock.timers.enable({ apis: ["setInterval"] });
  for await (const message of client.execution(ID)) {
    assert.notEqual(message.type, "pong");
    if (pongs() > 0) continue;
    for (let count = 1; count <= 4; count += 1) {
      context.mock.timers.tick(20_000);
      await until(() => pongs() === count);
    }
    close();
  }
  assert.equal(seen.length, 1);
});

test("a signal ends a watch", { timeout: 30_000 }, async (context) => {
  const silent: Session = { messages: [update(1)], mayClose: NEVER, code: "cut" };
  for (const session of [silent, { messages: [update(1)], code: 1013 }]) {
    const { client, seen } = await start(context, [session]);
    const controller = new AbortController();
    const watching = async () => {
      for await (const _ of client.execution(ID).watch({ signal: controller.signal })) {
        setTimeout(() => controller.abort(new Error("left")), 20);
      }
    };
    await assert.rejects(watching(), { message: "left" });
    assert.equal(seen.length, 1);
  }
});

test("a watch whose loop is left closes its connection", { timeout: 30_000 }, async (context) => {
  let isClosed = false;
  class Noticed extends WebSocket {
    override close() {
      isClosed = true;
      super.close();
    }
  }
  const session: Session = { messages: [update(1)], mayClose: NEVER, code: "cut" };
  const { client } = await start(context, [session], { WebSocket: Noticed });
  for await (const _ of client.execution(ID)) break;
  assert.ok(isClosed);
});

test("a watch whose token is refused goes on with a fresh one, once", async (context) => {
  const refusal: Session = { messages: [], code: 4001 };
  const { client, seen, refreshed } = await start(context, [
    { messages: [update(1)], code: 4001 },
    { messages: [update(2)], code: 4001 },
    refusal,
    refusal,
  ]);
  await assert.rejects(read(client.execution(ID)), { status: 401 });
  const fresh = "execution.v1, bearer.fresh";
  assert.deepEqual(
    seen.map(({ headers }) => headers["sec-websocket-protocol"]),
    ["execution.v1, bearer.old", fresh, fresh],
  );
  assert.deepEqual(refreshed, [false, true, true]);
});

test("a socket is opened with a ticket where that is wanted", async (context) => {
  const ticket = (name: string) => ({ status: 201, body: { ticket: name, expires_in: 30 } });
  const { client, seen } = await start(
    context,
    [
      ticket("a+b"),
      { messages: [update(1)], code: 4001 },
      problem(401, "Expired Firebase token"),
    ],
    { tickets: true },
  );
  const watching = read(client.execution(ID));
  await assert.rejects(watching, { status: 401 });
  assert.deepEqual(
    seen.map(({ method, url }) => `${method} ${url.replace("/api/v1/executions", "")}`),
    [`POST /ticket/${ID}`, `GET /ws/${ID}?since=0&ticket=a%2Bb`, `POST /ticket/${ID}`],
  );
  assert.equal(seen[1]?.headers["sec-websocket-protocol"], "execution.v1");
  assert.equal(seen[2]?.headers.authorization, "Bearer fresh");
});

test("a ticket that is refused for now, or for good, is an answer like any other", async (context) => {
  const steps = [problem(503, "Try again later"), problem(404, "Execution not found")];
  const { client, seen } = await start(context, steps, { tickets: true });
  await assert.rejects(read(client.execution(ID)), { status: 404 });
  assert.equal(seen.length, 2);
});
