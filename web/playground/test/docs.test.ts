// Makes requests from the OpenAPI document of the service, and reads their answers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test, type TestContext } from "node:test";

import { Exchange } from "../src/docs/exchange";
import { type Operation, operationOf } from "../src/docs/operation";
import { formatted, idIn, requestOf } from "../src/docs/request";

const SPECIFICATION: unknown = JSON.parse(
  readFileSync(resolve("../../crates/coderun-http/src/specification/openapi.json"), "utf8"),
);
const EXECUTIONS = "/api/v1/executions";

function operation(method: string, path: string): Operation {
  const found = operationOf(SPECIFICATION, method, path);
  assert.ok(found, `${method} ${path}`);
  return found;
}

test("a submission has its example as the body, its headers, and needs a token", () => {
  const { method, parameters, body, needsToken } = operation("post", `${EXECUTIONS}/execute`);
  assert.equal(method, "POST");
  assert.ok(needsToken);
  assert.equal(typeof JSON.parse(body ?? "").code, "string");
  const places = new Map(parameters.map(({ name, place }) => [name, place]));
  assert.equal(places.get("Prefer"), "header");
  assert.equal(places.get("dry_run"), "query");
});

test("parameters that the document shares are found", () => {
  const [id, ...others] = operation("GET", `${EXECUTIONS}/status/{id}`).parameters;
  assert.deepEqual([id?.name, id?.place, id?.isRequired], ["id", "path", true]);
  assert.deepEqual(
    others.map(({ name, place, isRequired }) => [name, place, isRequired]),
    [
      ["wait", "query", false],
      ["since", "query", false],
    ],
  );
});

test("what is public needs no token", () => {
  for (const path of ["/api/v1/languages", "/health", "/openapi.json"])
    assert.equal(operation("get", path).needsToken, false, path);
  assert.equal(operation("get", EXECUTIONS).needsToken, true);
});

test("a WebSocket, an unknown path and another document have nothing to try", () => {
  assert.equal(operationOf(SPECIFICATION, "get", `${EXECUTIONS}/ws/{id}`), undefined);
  for (const [method, path] of [
    ["get", "/nowhere"],
    ["put", EXECUTIONS],
    ["", ""],
    ["toString", "constructor"],
  ] as const) {
    assert.equal(operationOf(SPECIFICATION, method, path), undefined);
  }
  for (const other of [undefined, null, "text", [], { paths: null }])
    assert.equal(operationOf(other, "get", "/"), undefined);
});

test("a request has its values in the path, the query and the headers, and leaves out empty ones", () => {
  const status = operation("GET", `${EXECUTIONS}/status/{id}`);
  const { url, init } = requestOf(status, { id: "a/b $&", wait: "10", since: "" }, "", "t1");
  assert.equal(url, `${EXECUTIONS}/status/a%2Fb%20%24%26?wait=10`);
  assert.equal(init.body, undefined);
  assert.deepEqual([...(init.headers as Headers)], [["authorization", "Bearer t1"]]);

  const submit = requestOf(operation("POST", `${EXECUTIONS}/execute`), { Prefer: "wait=5" }, '{"code":"x"}', undefined);
  assert.equal(submit.url, `${EXECUTIONS}/execute`);
  assert.equal(submit.init.body, '{"code":"x"}');
  assert.deepEqual(
    [...(submit.init.headers as Headers)],
    [
      ["content-type", "application/json"],
      ["prefer", "wait=5"],
    ],
  );
});

test("JSON is laid out, problems too, and other text is left as it is", () => {
  assert.equal(formatted('{"a":1}', "application/json"), '{\n  "a": 1\n}');
  assert.equal(formatted('{"a":1}', "application/problem+json; charset=utf-8"), '{\n  "a": 1\n}');
  for (const [text, type] of [
    ['{"a":1}', "text/plain"],
    ['{"a"', "application/json"],
    ["", "application/json"],
    ["x", null],
  ] as const) {
    assert.equal(formatted(text, type), text);
  }
});

test("the id of a submission is found, and of a batch the first", () => {
  assert.equal(idIn('{"execution_id":"one"}'), "one");
  assert.equal(idIn('{"executions":[{"execution_id":"one"},{"execution_id":"two"}]}'), "one");
  for (const text of ["", "null", "[]", '{"executions":[]}', '{"execution_id":7}'])
    assert.equal(idIn(text), undefined, text);
});

/** An exchange of an operation with these answers, and the tokens that it sent. */
function play(context: TestContext, found: Operation, answers: Response[]) {
  const tokens: (string | null)[] = [];
  context.mock.method(globalThis, "fetch", async (_: string, { headers }: RequestInit) => {
    tokens.push((headers as Headers).get("authorization"));
    return answers.shift() ?? assert.fail("no further answer");
  });
  const exchange = new Exchange({ getToken: async ({ forceRefresh }) => (forceRefresh ? "fresh" : "old") }, found);
  return { exchange, tokens };
}

test("an answer is shown with its status, and its text is given for the next request", async (context) => {
  const { exchange, tokens } = play(context, operation("GET", EXECUTIONS), [Response.json({ executions: [] })]);
  assert.equal(await exchange.send({}, ""), '{"executions":[]}');
  assert.deepEqual(tokens, ["Bearer old"]);
  const { status, text, isPart } = exchange.answer.value ?? {};
  assert.deepEqual([status, text, isPart], [200, '{\n  "executions": []\n}', false]);
  assert.equal(exchange.isBusy.value, false);
});

test("a refused token is replaced once, and a refusal is shown as an answer", async (context) => {
  const refusal = () => Response.json({ detail: "Expired Firebase token" }, { status: 401 });
  const { exchange, tokens } = play(context, operation("GET", EXECUTIONS), [refusal(), refusal()]);
  assert.equal(await exchange.send({}, ""), undefined);
  assert.deepEqual(tokens, ["Bearer old", "Bearer fresh"]);
  assert.equal(exchange.answer.value?.status, 401);
});

test("no token is sent where none is needed", async (context) => {
  const { exchange, tokens } = play(context, operation("GET", "/health"), [Response.json({})]);
  await exchange.send({}, "");
  assert.deepEqual(tokens, [null]);
});

test("an answer of any length is read no further than it is shown", async (context) => {
  let given = 0;
  const endless = new ReadableStream({
    pull: (controller) => (controller.enqueue(new Uint8Array(10_000).fill(97)), void (given += 1)),
  });
  const { exchange } = play(context, operation("GET", "/health"), [new Response(endless)]);
  assert.equal(await exchange.send({}, ""), undefined);
  assert.equal(exchange.answer.value?.text.length, 200_000);
  assert.equal(exchange.answer.value?.isPart, true);
  assert.ok(given < 40, `${given} pieces`);
});

test("a stream is shown while it comes, until the user stops it", async (context) => {
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n")),
  });
  const { exchange } = play(context, operation("GET", `${EXECUTIONS}/events/{id}`), [new Response(stream)]);
  void exchange.send({ id: "one" }, "");
  while (!exchange.answer.value) await new Promise(setImmediate);
  assert.equal(exchange.answer.value.text, "data: 1\n");
  assert.equal(exchange.isBusy.value, true);
  exchange.stop();
  assert.equal(exchange.isBusy.value, false);
  assert.equal(exchange.failure.value, undefined);
});

test("a service that cannot be reached, and a user who is not signed in, are told in words", async (context) => {
  context.mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("fetch failed")));
  const reached = new Exchange({ getToken: async () => "t" }, operation("GET", "/health"));
  await reached.send({}, "");
  assert.equal(reached.failure.value, "The service cannot be reached.");
  const signedOut = new Exchange(
    { getToken: () => Promise.reject(new Error("Sign in to run programs.")) },
    operation("GET", EXECUTIONS),
  );
  await signedOut.send({}, "");
  assert.equal(signedOut.failure.value, "Sign in to run programs.");
});
