// How a client follows an execution where WebSockets, or streams too, are stopped on their way.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import type { ConnectionOptions, ExecutionRecord, ServerMessage } from "../src/index.js";
import { final, ID, OK, output, PATH, problem, read, UNAVAILABLE, update } from "./messages.js";
import { shorten, start, type Step, type Stream } from "./scripted.js";

const STREAM = `/api/v1/executions/events/${ID}`;
const SOCKET = `/api/v1/executions/ws/${ID}`;
/** What finds out that sockets are stopped, though the service answers. */
const NO_SOCKETS: Step[] = ["cut", OK, { status: 403 }, OK];
/** The same of streams, of which a proxy gives nothing, or something else. */
const NO_STREAMS: Step[] = [{ status: 200, body: "a page" }, OK, { status: 200, body: "a page" }, OK];

/** A client for which only streams go through, or only answers. */
async function startWithout(
  sockets: "sockets" | "streams",
  context: TestContext,
  steps: Step[],
  options: Partial<ConnectionOptions> = {},
) {
  const before = sockets === "sockets" ? NO_SOCKETS : [...NO_SOCKETS, ...NO_STREAMS];
  const started = await start(context, [...before, ...steps], options);
  const seen = () => started.seen.slice(before.length).map(({ url, headers }) => [url, headers["last-event-id"]]);
  return { ...started, seenAfter: seen };
}

function state(seq: number, data: Partial<ExecutionRecord> = {}): Step {
  const body = { execution_id: ID, user_id: "alice", code: "", input_data: "", seq, status: "running", verdict: null, attempts: 1 };
  return { status: 200, body: { ...body, ...data } };
}

test("messages come as an event stream where no socket opens, and goes on where it was cut", async (context) => {
  const { client, seen, seenAfter } = await startWithout("sockets", context, [
    { frames: [update(1), output(2, "a")], end: "cut" },
    { frames: [":\n\n", output(3, "b")], end: "end" },
    problem(503, "Try again later"),
    "cut",
    OK,
    { frames: [output(4, "c"), final(5)], end: "silence" },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    seen.slice(0, 4).map(({ method, url }) => `${method} ${url}`),
    [`GET ${SOCKET}?since=0`, `HEAD ${PATH}`, `GET ${SOCKET}?since=0`, `HEAD ${PATH}`],
  );
  // A cut before the answer is followed by a request that finds out whether the service can be reached.
  assert.deepEqual(seenAfter(), [[STREAM, "0"], [STREAM, "2"], [STREAM, "3"], [STREAM, "3"], [PATH, undefined], [STREAM, "3"]]);
});

test("the client remembers the way that goes through, for ten minutes", async (context) => {
  const stream: Stream = { frames: [final(1)], end: "end" };
  const { client, seenAfter, steps } = await startWithout("sockets", context, [stream, stream]);
  await read(client.execution(ID));
  await read(client.execution(ID));
  assert.deepEqual(seenAfter(), [[STREAM, "0"], [STREAM, "0"]]);

  const { now } = performance;
  context.mock.method(performance, "now", () => now.call(performance) + 601_000);
  steps.push({ messages: [final(1)], code: 1000 });
  await read(client.execution(ID));
  assert.deepEqual(seenAfter().at(-1), [`${SOCKET}?since=0`, undefined]);
});

test("a service that cannot be reached is no reason to fall back", async (context) => {
  const outage: Step[] = ["cut", "cut", "cut", UNAVAILABLE, "cut", problem(502, "")];
  const { client, seen } = await start(context, [...outage, { messages: [final(1)], code: 1000 }], { retryMs: 20_000 });
  assert.deepEqual(await read(client.execution(ID)), [1]);
  assert.equal(seen.at(-1)?.url, `${SOCKET}?since=0`);
});

test("a socket that opens now and then is no reason to fall back", async (context) => {
  const once: Step[] = ["cut", OK, { messages: [], code: "cut" }];
  const { client, seen } = await start(context, [...once, ...once, { messages: [final(1)], code: 1000 }]);
  assert.deepEqual(await read(client.execution(ID)), [1]);
  assert.equal(seen.at(-1)?.url, `${SOCKET}?since=0`);
});

test("sockets that have worked must fail five times", async (context) => {
  const opened: Step = { messages: [final(1)], code: 1000 };
  const fails = (count: number) => Array.from({ length: count }, () => ["cut", OK] as const).flat();
  const { client, steps, seen } = await start(context, [opened, ...fails(4), opened]);
  await read(client.execution(ID));
  await read(client.execution(ID));
  assert.equal(seen.at(-1)?.url, `${SOCKET}?since=0`);
  steps.push(...fails(5), { frames: [final(1)], end: "end" });
  await read(client.execution(ID));
  assert.equal(seen.at(-1)?.url, STREAM);
});

test("a platform without WebSocket has event streams at once", async (context) => {
  const { WebSocket } = globalThis;
  context.after(() => Object.assign(globalThis, { WebSocket }));
  Object.assign(globalThis, { WebSocket: undefined });
  const { client, seen } = await start(context, [{ frames: [final(1)], end: "end" }]);
  assert.deepEqual(await read(client.execution(ID)), [1]);
  assert.equal(seen.length, 1);
  assert.equal(seen[0]?.headers.authorization, "Bearer old");
});

test("a constructor that throws is a socket that does not open", async (context) => {
  const Refusing = class {
    constructor() {
      throw new Error("mixed content");
    }
  } as unknown as typeof WebSocket;
  const steps: Step[] = [OK, OK, { frames: [final(1)], end: "end" }];
  const { client } = await start(context, steps, { WebSocket: Refusing });
  assert.deepEqual(await read(client.execution(ID)), [1]);
});

test("an event stream ends with the execution, or when there is nothing more", async (context) => {
  for (const step of [{ frames: [final(7)], end: "silence" }, { status: 204 }] as const) {
    const { client } = await startWithout("sockets", context, [step]);
    await read(client.execution(ID));
  }
});

test("each status of an event stream is final or tried again", async (context) => {
  for (const status of [400, 403, 404, 422]) {
    const { client, seenAfter } = await startWithout("sockets", context, [problem(status, "no")]);
    await assert.rejects(read(client.execution(ID)), { status, message: "no" });
    assert.equal(seenAfter().length, 1);
  }
  for (const status of [401, 429, 500, 502, 503, 504]) {
    const steps: Step[] = [problem(status, "wait"), { frames: [final(1)], end: "end" }];
    const { client, seen } = await startWithout("sockets", context, steps);
    assert.deepEqual(await read(client.execution(ID)), [1]);
    assert.equal(seen.at(-1)?.headers.authorization, status === 401 ? "Bearer fresh" : "Bearer old");
  }
});

test("an event stream that says nothing is replaced", { timeout: 30_000 }, async (context) => {
  const { client, seenAfter } = await startWithout("sockets", context, [
    { frames: [update(1)], end: "silence" },
    { frames: [final(2)], end: "end" },
  ]);
  shorten(context, 40_000, 50);
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.deepEqual(seenAfter(), [[STREAM, "0"], [STREAM, "1"]]);
});

test("a way that does not open in time is stopped", { timeout: 30_000 }, async (context) => {
  // Long enough for a connection to begin.
  shorten(context, 10_000, 1_000);
  const steps: Step[] = ["silence", OK, "silence", OK, "silence", OK, "silence", OK];
  const done = state(1, { verdict: "accepted" });
  const { client } = await start(context, [...steps, done, { frames: [final(1)], end: "end" }]);
  assert.deepEqual(await read(client.execution(ID)), [1]);
});

test("where no stream goes through, states come from polls, and the rest after the end", async (context) => {
  const { client, seenAfter } = await startWithout("streams", context, [
    state(1, { status: "pending" }),
    state(2),
    state(3),
    state(5, { status: "completed", verdict: "accepted" }),
    { frames: [update(1), update(2), output(3, "a"), output(4, "b"), final(5)], end: "end" },
  ]);
  const given: [string, number][] = [];
  for await (const message of client.execution(ID)) if ("seq" in message) given.push([message.type, message.seq]);
  // The states that polls have told are not told again, and carry the number to continue after.
  const states: [string, number][] = [["execution_update", 0], ["execution_update", 0]];
  assert.deepEqual(given, [...states, ["execution_output", 3], ["execution_output", 4], ["execution_update", 5]]);
  const poll = (since: number) => [`${PATH}?wait=20&since=${since}`, undefined];
  assert.deepEqual(seenAfter(), [[PATH, undefined], poll(1), poll(2), poll(3), [STREAM, "0"]]);
});

test("polls go on where a broken connection stopped, and give no byte twice", async (context) => {
  const rest: Stream = { frames: [output(3, "b"), output(4, "c"), final(5)], end: "cut" };
  const socketsFail = Array.from({ length: 5 }, () => ["cut", OK] as const).flat();
  const { client } = await start(context, [
    { messages: [update(1), output(2, "a")], code: "cut" },
    ...socketsFail,
    ...NO_STREAMS,
    state(5, { verdict: "accepted" }),
    { ...rest, frames: rest.frames.slice(0, 1) },
    state(5, { verdict: "accepted" }),
    { ...rest, frames: rest.frames.slice(1) },
  ]);
  let text = "";
  for await (const piece of client.execution(ID).output) text += piece.text;
  assert.equal(text, "abc");
});

test("output of an attempt that a poll has told to be over is not given", async (context) => {
  const { client } = await startWithout("streams", context, [
    state(3, { attempts: 2 }),
    state(5, { attempts: 2, verdict: "accepted" }),
    { frames: [update(1), output(2, "a"), update(3, { attempts: 2 }), output(4, "b", 2), final(5)], end: "end" },
  ]);
  const given: ServerMessage[] = [];
  for await (const message of client.execution(ID)) given.push(message);
  assert.deepEqual(given.map(({ type }) => type), ["execution_update", "execution_output", "execution_update"]);
});

test("each status of a poll is final or tried again", async (context) => {
  const { client } = await startWithout("streams", context, [problem(404, "Execution not found")]);
  await assert.rejects(read(client.execution(ID)), { status: 404 });
  const done = state(1, { verdict: "accepted" });
  for (const status of [401, 429, 500, 503]) {
    const steps: Step[] = [problem(status, "wait"), done, { frames: [final(1)], end: "end" }];
    const { client } = await startWithout("streams", context, steps);
    assert.deepEqual(await read(client.execution(ID)), [1]);
  }
});

test("polls end where no stream comes after the end, and say why", async (context) => {
  const done = state(5, { verdict: "accepted" });
  for (const [status, rounds] of [[429, 18], [503, 18], [401, 2], [403, 1]] as const) {
    const steps = Array.from({ length: rounds }, () => [done, problem(status, "no stream")]).flat();
    const { client, seenAfter } = await startWithout("streams", context, steps, { retryMs: 2_000 });
    await assert.rejects(read(client.execution(ID).watch({ since: 2 })), { status, message: "no stream" });
    // Every 125 ms, since the service answers: pauses that grow leave time for five.
    const turns = seenAfter().length / 2;
    assert.ok(turns <= 16 && (rounds < 18 || turns > 6), `${turns} turns`);
  }
});

test("a watch that has given nothing takes the output from the record where no stream comes", async (context) => {
  const record = { verdict: "accepted", output: "a\n", error_output: "\ufffd", error_output_base64: "/w==" } as const;
  const page: Step = { status: 200, body: "a page" };
  const { client } = await startWithout("streams", context, [state(2), state(5, record), page, state(5, record), page]);
  const given: ServerMessage[] = [];
  for await (const message of client.execution(ID)) given.push(message);
  const told = given.map((message) => (message.type === "execution_update" ? message.data.verdict : "data" in message && message.data));
  const stderr = { stream: "stderr", bytes_base64: "/w==", attempt: 1 };
  assert.deepEqual(told, [null, { stream: "stdout", text: "a\n", attempt: 1 }, stderr, "accepted"]);
});

test("a signal ends a stream and a poll", { timeout: 30_000 }, async (context) => {
  for (const sockets of ["sockets", "streams"] as const) {
    const steps: Step[] = sockets === "sockets" ? [{ frames: [update(1)], end: "silence" }] : [state(1), "silence"];
    const { client } = await startWithout(sockets, context, steps);
    const controller = new AbortController();
    const watching = async () => {
      for await (const _ of client.execution(ID).watch({ signal: controller.signal })) {
        setTimeout(() => controller.abort(new Error("left")), 300);
      }
    };
    await assert.rejects(watching(), { message: "left" });
  }
});
