// Lets answers be late, lost or refused, by a service that follows a script, and checks what the client does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Coderun, CoderunError } from "../src/index.js";
import { ACCEPTED, DONE, final, HELLO, ID, PATH, problem, read, UNAVAILABLE, until } from "./messages.js";
import { start } from "./scripted.js";

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

test("attempts are bounded by time", async (context) => {
  const { client, seen } = await start(context, Array(4).fill(UNAVAILABLE), { retryMs: 900 });
  await assert.rejects(client.execute(HELLO), { name: "CoderunError", status: 503, message: "Try again later" });
  // After 125, 250 and 500 ms.
  assert.ok(seen.length >= 2 && seen.length <= 4, `${seen.length} attempts`);
});

test("no attempts follow where none are wanted", async (context) => {
  const { client, seen } = await start(context, [UNAVAILABLE], { retryMs: 0 });
  await assert.rejects(client.execute(HELLO), { status: 503 });
  assert.equal(seen.length, 1);
});

test("a Retry-After is waited for, in seconds or until a date", async (context) => {
  // A date has no milliseconds, so this one is 1.5 to 2.5 s away.
  for (const valueNow of [() => "1", () => new Date(Date.now() + 2_500).toUTCString()]) {
    const value = valueNow();
    const refusal = problem(429, "Too many submissions", { "retry-after": value });
    const { client } = await start(context, [refusal, ACCEPTED]);
    const startedAt = performance.now();
    await client.execute(HELLO);
    assert.ok(performance.now() - startedAt > 900, `waited ${performance.now() - startedAt} ms for ${value}`);
  }
});

test("a Retry-After beyond the time for attempts is not waited for", async (context) => {
  const refusal = problem(503, "Try again later", { "retry-after": "6" });
  const { client, seen } = await start(context, [refusal], { retryMs: 5_000 });
  await assert.rejects(client.execute(HELLO), { status: 503, retryAfterMs: 6_000 });
  assert.equal(seen.length, 1);
});

test("a Retry-After that has passed, or says nothing, is no pause", async (context) => {
  const refusals = [new Date(0).toUTCString(), "-5", "soon"].map((value) => problem(503, "", { "retry-after": value }));
  const { client, seen } = await start(context, [...refusals, ACCEPTED]);
  await client.execute(HELLO);
  assert.equal(seen.length, 4);
});

test("each status is final or tried again", async (context) => {
  for (const status of [400, 403, 404, 405, 409, 413, 415, 422]) {
    const { client, seen } = await start(context, [problem(status, "no")]);
    await assert.rejects(client.execute(HELLO), { name: "CoderunError", status, message: "no" });
    assert.equal(seen.length, 1);
  }
  for (const status of [408, 429, 500, 502, 503, 504]) {
    const { client, seen } = await start(context, [problem(status, "wait"), ACCEPTED]);
    assert.equal((await client.execute(HELLO)).id, ID);
    assert.equal(seen.length, 2);
  }
});

test("an error without a problem has a message, and one of another kind of page, too", async (context) => {
  const page = { status: 404, body: "<html>", headers: { "content-type": "text/html" } };
  const { client } = await start(context, [page, { status: 200, body: undefined }], { retryMs: 0 });
  await assert.rejects(client.execute(HELLO), { status: 404, message: "Not Found", problem: undefined });
});

test("an answer that is no JSON was lost", async (context) => {
  const fetchPage: typeof fetch = async () => new Response("<html>", { status: 200 });
  const { client } = await start(context, [], { fetch: fetchPage, retryMs: 0 });
  await assert.rejects(client.execution(ID).record(), { name: "CoderunError", status: 0 });
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
  assert.equal(seen[0]?.headers["prefer"], "wait=20");
  const urls = seen.slice(1).map(({ url }) => url);
  assert.deepEqual(urls, [PATH, `${PATH}?wait=20&since=2`, `${PATH}?wait=20&since=2`]);
});

test("the input of a submission is its input_data", async (context) => {
  const { client, seen } = await start(context, [ACCEPTED]);
  await client.execute({ ...HELLO, input: "42\n" });
  assert.deepEqual(JSON.parse(seen[0]?.body ?? ""), { ...HELLO, input_data: "42\n" });
});

test("deleting what is gone already is no error", async (context) => {
  const gone = problem(404, "Execution not found");
  const { client } = await start(context, ["cut", gone, gone]);
  await client.execution(ID).delete();
  await assert.rejects(client.execution(ID).record(), { status: 404 });
});

test("executions are listed page by page, and from the first without a cursor", async (context) => {
  const page = { executions: [{ execution_id: ID, language: "python", verdict: "accepted" }], next_cursor: "a b&c" };
  const { client, seen } = await start(context, Array(3).fill({ status: 200, body: page }));
  assert.deepEqual(await client.executions(), page);
  await client.executions({ limit: 5, cursor: page.next_cursor });
  await client.executions({ limit: 5 });
  const path = "/api/v1/executions";
  assert.deepEqual(seen.map(({ url }) => url), [path, `${path}?limit=5&cursor=a+b%26c`, `${path}?limit=5`]);
});

test("deleting all executions is repeated when its answer is lost", async (context) => {
  const { client, seen } = await start(context, ["cut", { status: 204 }]);
  assert.equal(await client.deleteAll(), undefined);
  assert.deepEqual(seen.map(({ method, url }) => `${method} ${url}`), Array(2).fill("DELETE /api/v1/executions"));
});

test("a signal ends each request while it waits", { timeout: 30_000 }, async (context) => {
  const reason = new Error("left");
  const calls = {
    record: (client: Coderun, signal: AbortSignal) => client.execution(ID).record(signal),
    result: (client: Coderun, signal: AbortSignal) => client.execution(ID).result(signal),
    cancel: (client: Coderun, signal: AbortSignal) => client.execution(ID).cancel(signal),
    delete: (client: Coderun, signal: AbortSignal) => client.execution(ID).delete(signal),
    executions: (client: Coderun, signal: AbortSignal) => client.executions({ signal }),
    deleteAll: (client: Coderun, signal: AbortSignal) => client.deleteAll(signal),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const step of ["silence", problem(503, "", { "retry-after": "4" })] as const) {
      const { client, seen } = await start(context, [step]);
      const controller = new AbortController();
      const calling = call(client, controller.signal);
      await until(() => seen.length === 1);
      controller.abort(reason);
      await assert.rejects(calling, reason, name);
      await assert.rejects(call(client, controller.signal), reason, name);
      assert.equal(seen.length, 1);
    }
  }
});

test("a signal ends a call whose token is late", { timeout: 30_000 }, async (context) => {
  const { client, seen } = await start(context, [], { getToken: () => new Promise(() => {}) });
  const signal = AbortSignal.timeout(20);
  await assert.rejects(client.execution(ID).record(signal), { name: "TimeoutError" });
  await assert.rejects(read(client.execution(ID).watch({ signal })), { name: "TimeoutError" });
  assert.equal(seen.length, 0);
});

test("a run that is given up is cancelled, whether its answer had come or not", { timeout: 30_000 }, async (context) => {
  const running = { status: 200, body: { execution_id: ID, seq: 2, verdict: null } };
  for (const steps of [["silence"], [ACCEPTED, running, "silence"]] as const) {
    const { client, seen } = await start(context, [...steps, ACCEPTED, DONE]);
    const controller = new AbortController();
    const running = client.run(HELLO, { signal: controller.signal });
    await until(() => seen.length === steps.length);
    controller.abort(new Error("left"));
    await assert.rejects(running, { message: "left" });
    await until(() => seen.length === steps.length + 2);
    const [first, again, cancel] = [seen[0], seen.at(-2), seen.at(-1)];
    assert.equal(again?.url, first?.url);
    assert.equal(again?.headers["idempotency-key"], first?.headers["idempotency-key"]);
    assert.equal(again?.body, first?.body);
    assert.equal(again?.headers["prefer"], undefined);
    assert.equal(cancel?.url, `/api/v1/executions/cancel/${ID}`);
  }
});

test("a submission is not made when its signal has come before", async (context) => {
  const { client, refreshed } = await start(context, []);
  const signal = AbortSignal.abort(new Error("left"));
  await assert.rejects(client.run(HELLO, { signal }), { message: "left" });
  await assert.rejects(client.execute(HELLO, { signal }), { message: "left" });
  // Not even a token was asked for.
  assert.deepEqual(refreshed, []);
});

test("a submission that is given up while it cannot have been accepted is not made in order to be cancelled", async () => {
  const refusal = () => Response.json({}, { status: 429, headers: { "retry-after": "4" } });
  const never = new Promise<string>(() => {});
  for (const [firstToken, expected] of [[never, 0], ["token", 1]] as const) {
    let [calls, tokens] = [0, 0];
    const fetchRefusal: typeof fetch = async () => ((calls += 1), refusal());
    const getToken = () => ((tokens += 1) === 1 ? firstToken : "token");
    const client = new Coderun({ baseUrl: "http://service", getToken, fetch: fetchRefusal });
    const controller = new AbortController();
    const submitting = client.execute(HELLO, { signal: controller.signal });
    await until(() => tokens === 1 && calls === expected);
    controller.abort(new Error("left"));
    await assert.rejects(submitting, { message: "left" });
    // A request that cancels it would have begun by now.
    await new Promise(setImmediate);
    assert.equal(calls, expected);
  }
});

test("an error of getToken ends the call as it is", async (context) => {
  const error = new Error("signed out");
  const { client } = await start(context, [], { getToken: () => Promise.reject(error) });
  await assert.rejects(client.run(HELLO), error);
  await assert.rejects(read(client.execution(ID)), error);
});

test("an address is absolute, relative to the page, or the origin of the page", async (context) => {
  const { baseUrl, steps, seen } = await start(context, []);
  context.after(() => Reflect.deleteProperty(globalThis, "location"));
  Reflect.set(globalThis, "location", { href: `${baseUrl}/app/page.html?query` });
  const addresses = [undefined, "", "/", "/coderun", "/coderun/", "here", `${baseUrl}/coderun`];
  for (const address of addresses) {
    const given = address === undefined ? {} : { baseUrl: address };
    const execution = new Coderun({ ...given, getToken: () => "token" }).execution(ID);
    steps.push(DONE, { messages: [final(1)], code: 1000 });
    await execution.record();
    await read(execution);
  }
  const roots = ["", "", "", "/coderun", "/coderun", "/app/here", "/coderun"];
  const expected = roots.flatMap((root) => [root + PATH, `${root}${PATH.replace("status", "ws")}?since=0`]);
  assert.deepEqual(seen.map(({ url }) => url), expected);
});
