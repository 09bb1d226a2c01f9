// What the React entry renders of an execution, against a service that follows a script.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { createElement } from "react";
import { renderToString } from "react-dom/server";

import { Coderun, type ServerMessage } from "../src/index.js";
import { useExecution } from "../src/react.js";
import { type ExecutionState, ExecutionStore } from "../src/react-store.js";
import { scripted, type Step } from "./scripted.js";

const ID = "5d787309-7f3c-4e2b-9a55-0c8a1d7f2b11";
const HELLO = { language: "python", code: "print('Hello')" };
const ACCEPTED = { status: 200, body: { execution_id: ID, status: "pending", message: "Code submitted" } };

async function start(context: TestContext, steps: Step[]) {
  const service = await scripted(steps);
  context.after(service.stop);
  const store = new ExecutionStore(new Coderun({ baseUrl: service.baseUrl, getToken: () => "token" }));
  return { ...service, store };
}

/** Subscribes until the state satisfies the condition: that state, and all before it. */
function until(store: ExecutionStore, holds: (state: ExecutionState) => unknown): Promise<ExecutionState[]> {
  const states: ExecutionState[] = [];
  return new Promise((resolve) => {
    const stop = store.subscribe(() => {
      states.push(store.snapshot());
      if (!holds(store.snapshot())) return;
      stop();
      resolve(states);
    });
  });
}

function update(seq: number, data: object): ServerMessage {
  const record = { verdict: null, attempts: 1, status: "running", queue_position: null, seq, ...data };
  return { type: "execution_update", execution_id: ID, seq, data: record } as ServerMessage;
}

function output(seq: number, piece: object): ServerMessage {
  return { type: "execution_output", execution_id: ID, seq, data: { stream: "stdout", attempt: 1, ...piece } } as ServerMessage;
}

const FINAL = { status: "completed", verdict: "accepted", output: "Hé!\n", error_output: "" };

test("a server renders an execution that has not begun", () => {
  const client = new Coderun({ baseUrl: "http://127.0.0.1:9", getToken: () => "token" });
  const Page = () => {
    const { status, output, isActive } = useExecution(client, ID);
    return createElement("pre", null, `${status} ${isActive} [${output}]`);
  };
  assert.equal(renderToString(createElement(Page)), "<pre>idle false []</pre>");
});

test("the state follows a program from its submission to its end", async (context) => {
  const messages = [
    { type: "queue", data: { position: 2, estimated_start_ms: null } } as ServerMessage,
    update(1, {}),
    output(2, { text: "H" }),
    output(3, { bytes_base64: btoa("\xc3") }),
    output(4, { bytes_base64: btoa("\xa9") }),
    { type: "awaiting_input", execution_id: ID, seq: 5, data: { attempt: 1 } } as ServerMessage,
    output(6, { text: "!\n" }),
    update(7, FINAL),
  ];
  const { store } = await start(context, [ACCEPTED, { messages, code: 1000 }]);
  const ended = until(store, ({ isActive }) => !isActive);
  store.commands.run(HELLO);
  const states = await ended;
  assert.deepEqual(
    states.map(({ status, output, queuePosition, isAwaitingInput }) => [status, output, queuePosition, isAwaitingInput]),
    [
      ["submitting", "", undefined, false],
      ["pending", "", undefined, false],
      ["pending", "", 2, false],
      ["running", "", undefined, false],
      ["running", "H", undefined, false],
      ["running", "H", undefined, false],
      ["running", "Hé", undefined, false],
      ["running", "Hé", undefined, true],
      ["running", "Hé!\n", undefined, false],
      ["completed", "Hé!\n", undefined, false],
    ],
  );
  const last = states.at(-1);
  assert.equal(last?.id, ID);
  assert.equal(last?.record?.verdict, "accepted");
  assert.equal(last?.failure, undefined);
});

test("the output of an attempt replaces that of the one before", async (context) => {
  const messages = [
    output(1, { text: "lost" }),
    output(2, { stream: "stderr", text: "lost" }),
    update(3, { attempts: 2 }),
    output(4, { text: "kept", attempt: 2 }),
    output(5, { text: "late" }),
    output(6, { text: "anew", attempt: 3 }),
  ];
  const { store } = await start(context, [{ messages, code: 1008 }]);
  const ended = until(store, ({ failure }) => failure);
  store.commands.follow(ID);
  const outputs = (await ended).map(({ output, errorOutput }) => `${output}/${errorOutput}`);
  assert.deepEqual(outputs, ["/", "/", "lost/", "lost/lost", "/", "kept/", "kept/", "anew/", "anew/"]);
});

test("a component that is mounted again goes on after the last message", async (context) => {
  const mayClose = new Promise<void>((resolve) => context.after(() => resolve()));
  const { store, seen } = await start(context, [
    { messages: [update(1, {}), output(2, { text: "Hé" })], mayClose, code: 1000 },
    { messages: [output(3, { text: "!\n" }), update(4, FINAL)], code: 1000 },
  ]);
  const half = until(store, ({ output }) => output);
  store.commands.follow(ID);
  await half;
  await until(store, ({ isActive }) => !isActive);
  assert.deepEqual(seen.map(({ url }) => url.split("?")[1]), ["since=0", "since=2"]);
  assert.equal(store.snapshot().output, "Hé!\n");
});

test("a refused submission is a failure", async (context) => {
  const body = { status: 422, detail: "`language` is unknown" };
  const { store } = await start(context, [{ status: 422, body }]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.run(HELLO);
  const last = (await failed).at(-1);
  assert.deepEqual([last?.status, last?.isActive, last?.failure?.message], ["idle", false, body.detail]);
});

test("an execution that cannot be followed is a failure", async (context) => {
  const { store } = await start(context, [{ messages: [], code: 4004 }]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.follow(ID);
  const last = (await failed).at(-1);
  assert.deepEqual([last?.isActive, last?.failure?.message], [false, "Execution not found"]);
});

test("cancelling waits for the answer to the submission", async (context) => {
  const mayClose = new Promise<void>((resolve) => context.after(() => resolve()));
  const refused = { status: 409, body: { status: 409, detail: "too late" } };
  const { store, seen } = await start(context, [ACCEPTED, { messages: [], mayClose, code: 1000 }, refused]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.run(HELLO);
  store.commands.cancel();
  const last = (await failed).at(-1);
  assert.deepEqual([last?.failure?.message, last?.isActive], ["too late", true]);
  assert.ok(seen.some(({ method, url }) => method === "POST" && url.endsWith(`/cancel/${ID}`)));
});

test("a further submission leaves the one before", async (context) => {
  const mayClose = new Promise<void>((resolve) => context.after(() => resolve()));
  const next = { ...ACCEPTED, body: { ...ACCEPTED.body, execution_id: ID.replace("5", "6") } };
  const { store, seen } = await start(context, [
    ACCEPTED,
    { messages: [output(1, { text: "first" })], mayClose, code: 1000 },
    next,
    { messages: [output(1, { text: "second" })], mayClose, code: 1000 },
  ]);
  const stop = store.subscribe(() => {});
  context.after(stop);
  const first = until(store, ({ output }) => output);
  store.commands.run(HELLO);
  await first;
  const second = until(store, ({ output }) => output);
  store.commands.run(HELLO);
  const outputs = (await second).map(({ output }) => output);
  assert.deepEqual(outputs, ["", "", "second"]);
  assert.equal(store.snapshot().id, next.body.execution_id);
  assert.equal(seen.length, 4);
});
