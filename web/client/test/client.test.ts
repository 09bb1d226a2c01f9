// What the client does when answers are late, lost or refused, against a service that follows a script.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Coderun, CoderunError, type ExecutionRecord, type ServerMessage } from "../src/index.js";
import { scripted, type Step } from "./scripted.js";

const ID = "5d787309-7f3c-4e2b-9a55-0c8a1d7f2b11";
const HELLO = { language: "python", code: "print('Hello')" };
const ACCEPTED = { status: 200, body: { execution_id: ID, status: "pending", message: "Code submitted" } };
const DONE = { status: 200, body: { execution_id: ID, seq: 3, verdict: "accepted" } };
const UNAVAILABLE = { status: 503, body: { status: 503, detail: "Try again later" } };

async function start(context: TestContext, steps: Step[]) {
  const service = await scripted(steps);
  context.after(service.stop);
  const refreshed: boolean[] = [];
  const getToken = ({ forceRefresh }: { forceRefresh: boolean }) => {
    refreshed.push(forceRefresh);
    return forceRefresh ? "fresh" : "old";
  };
  const client = new Coderun({ baseUrl: service.baseUrl, getToken, attempts: 3 });
  return { ...service, client, refreshed };
}

function output(seq: number, text: string): ServerMessage {
  const data = { stream: "stdout" as const, text, attempt: 1 };
  return { type: "execution_output", execution_id: ID, seq, data };
}

function update(seq: number): ServerMessage {
  return { type: "execution_update", execution_id: ID, seq, data: { seq } as ExecutionRecord };
}

async function read(messages: AsyncIterable<ServerMessage>): Promise<number[]> {
  const numbers = [];
  for await (const message of messages) if ("seq" in message) numbers.push(message.seq);
  return numbers;
}

test("a submission is repeated under its key when its answer is lost or refused for now", async (context) => {
  const { client, seen } = await start(context, ["cut", UNAVAILABLE, ACCEPTED]);
  const execution = await client.execute(HELLO);
  assert.equal(execution.id, ID);
  const keys = new Set(seen.map(({ headers }) => headers["idempotency-key"]));
  assert.equal(seen.length, 3);
  assert.equal(keys.size, 1);
  assert.match([...keys][0] as string, /^[0-9a-f]{32}$/);
});

test("two submissions have different keys", async (context) => {
  const { client, seen } = await start(context, [ACCEPTED, ACCEPTED]);
  await client.execute(HELLO);
  await client.execute(HELLO);
  assert.notEqual(seen[0]?.headers["idempotency-key"], seen[1]?.headers["idempotency-key"]);
});

test("attempts are bounded", async (context) => {
  const { client, seen } = await start(context, [UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]);
  await assert.rejects(client.execute(HELLO), { name: "CoderunError", status: 503, message: "Try again later" });
  assert.equal(seen.length, 3);
});

test("a long Retry-After is not waited for", async (context) => {
  const { client, seen } = await start(context, [{ ...UNAVAILABLE, headers: { "retry-after": "31" } }]);
  await assert.rejects(client.execute(HELLO), { status: 503 });
  assert.equal(seen.length, 1);
});

test("a Retry-After that is a date is waited for", async (context) => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  const past = new Date(0).toUTCString();
  const { client, seen } = await start(context, [
    { ...UNAVAILABLE, headers: { "retry-after": past } },
    { ...UNAVAILABLE, headers: { "retry-after": inAMinute } },
  ]);
  await assert.rejects(client.execute(HELLO), { status: 503 });
  assert.equal(seen.length, 2);
});

test("a mistake is not repeated, and says where it is", async (context) => {
  const errors = [{ pointer: "/code", detail: "must not be empty" }];
  const body = { status: 422, detail: "code must not be empty", errors };
  const { client, seen } = await start(context, [{ status: 422, body }]);
  const error = await client.execute({ ...HELLO, code: "" }).catch((error: unknown) => error);
  assert.ok(error instanceof CoderunError);
  assert.deepEqual(error.problem?.errors, errors);
  assert.equal(seen.length, 1);
});

test("a refused token is replaced once", async (context) => {
  const refusal = { status: 401, body: { status: 401, detail: "Expired Firebase token" } };
  const { client, seen, refreshed, steps } = await start(context, [refusal, DONE]);
  await client.execution(ID).record();
  assert.deepEqual(seen.map(({ headers }) => headers.authorization), ["Bearer old", "Bearer fresh"]);
  steps.push(refusal, refusal);
  await assert.rejects(client.execution(ID).record(), { status: 401 });
  assert.deepEqual(refreshed, [false, true, false, true]);
});

test("a run that takes longer than one request is waited for", async (context) => {
  const running = { status: 200, body: { execution_id: ID, seq: 2, verdict: null } };
  const { client, seen } = await start(context, [ACCEPTED, running, running, DONE]);
  assert.equal((await client.run(HELLO)).verdict, "accepted");
  assert.equal(seen[0]?.headers["prefer"], "wait=30");
  const path = `/api/v1/executions/status/${ID}`;
  const urls = seen.slice(1).map(({ url }) => url);
  assert.deepEqual(urls, [path, `${path}?wait=30&since=2`, `${path}?wait=30&since=2`]);
});

test("a watch goes on after the last message when its connection breaks", async (context) => {
  const { client, seen } = await start(context, [
    { messages: [update(1), output(2, "a")], code: "cut" },
    { messages: [output(3, "b")], code: 1012 },
    { messages: [update(4)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2, 3, 4]);
  assert.deepEqual(
    seen.map(({ url }) => url.split("?")[1]),
    ["since=0", "since=2", "since=3"],
  );
  assert.equal(seen[0]?.headers["sec-websocket-protocol"], "execution.v1, bearer.old");
});

test("a watch whose token expires goes on with a fresh one", async (context) => {
  const { client, seen } = await start(context, [
    { messages: [update(1)], code: 4001 },
    { messages: [update(2)], code: 1000 },
  ]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.equal(seen[1]?.headers["sec-websocket-protocol"], "execution.v1, bearer.fresh");
});

test("a watch ends with an error that no further connection changes", async (context) => {
  for (const [code, status] of [[4003, 403], [4004, 404], [1008, 400]] as const) {
    const { client, seen } = await start(context, [{ messages: [], code }]);
    await assert.rejects(read(client.execution(ID)), { name: "CoderunError", status });
    assert.equal(seen.length, 1);
  }
});

test("a watch replaces a connection that answers no ping", { timeout: 10_000 }, async (context) => {
  const { client, seen } = await start(context, [
    { messages: [update(1)], mayClose: new Promise(() => {}), code: "cut" },
    { messages: [update(2)], code: 1000 },
  ]);
  context.mock.timers.enable({ apis: ["setInterval"] });
  const numbers = [];
  for await (const message of client.execution(ID)) {
    if ("seq" in message) numbers.push(message.seq);
    if (numbers.length === 1) context.mock.timers.tick(40_000);
  }
  assert.deepEqual(numbers, [1, 2]);
  assert.equal(seen[1]?.url.split("?")[1], "since=1");
});

test("a watch waits for a pong behind input that its program does not read", { timeout: 10_000 }, async (context) => {
  let close = () => {};
  const mayClose = new Promise<void>((resolve) => (close = resolve));
  const { client, seen } = await start(context, [{ messages: [update(1)], mayClose, code: 1000 }]);
  context.mock.timers.enable({ apis: ["setInterval"] });
  const watch = client.execution(ID).watch();
  for await (const _ of watch) {
    watch.send("not read");
    context.mock.timers.tick(80_000);
    close();
  }
  assert.equal(seen.length, 1);
});

test("a watch gives up when nothing comes", async (context) => {
  const none: Step = { messages: [], code: 1013 };
  const { client, seen } = await start(context, [none, none, none]);
  await assert.rejects(read(client.execution(ID)), { name: "CoderunError", status: 0 });
  assert.equal(seen.length, 3);
});

test("a signal ends a watch and a request", async (context) => {
  const { client } = await start(context, [{ messages: [update(1)], code: 1013 }, UNAVAILABLE]);
  const controller = new AbortController();
  const watching = async () => {
    for await (const _ of client.execution(ID).watch({ signal: controller.signal })) controller.abort(new Error("left"));
  };
  await assert.rejects(watching(), { message: "left" });
  const timeout = AbortSignal.timeout(50);
  await assert.rejects(client.execution(ID).record(timeout), { name: "TimeoutError" });
});

test("a signal ends a watch whose connection is silent, or whose token is late", { timeout: 10_000 }, async (context) => {
  const { client, seen, baseUrl } = await start(context, [
    { messages: [update(1)], mayClose: new Promise(() => {}), code: "cut" },
  ]);
  const controller = new AbortController();
  const watching = async () => {
    for await (const _ of client.execution(ID).watch({ signal: controller.signal })) controller.abort(new Error("left"));
  };
  await assert.rejects(watching(), { message: "left" });

  const late = new AbortController();
  const getToken = async () => {
    late.abort(new Error("left early"));
    return "late";
  };
  const watch = new Coderun({ baseUrl, getToken }).execution(ID).watch({ signal: late.signal });
  await assert.rejects(read(watch), { message: "left early" });
  assert.equal(seen.length, 1);
});

test("a signal ends cancelling and deleting", async (context) => {
  const { client, seen } = await start(context, []);
  const signal = AbortSignal.abort(new Error("left"));
  await assert.rejects(client.execution(ID).cancel(signal), { message: "left" });
  await assert.rejects(client.execution(ID).delete(signal), { message: "left" });
  assert.equal(seen.length, 0);
});

test("deleting what is gone already is no error", async (context) => {
  const gone = { status: 404, body: { status: 404, detail: "Execution not found" } };
  const { client } = await start(context, ["cut", gone, gone]);
  await client.execution(ID).delete();
  await assert.rejects(client.execution(ID).record(), { status: 404 });
});
