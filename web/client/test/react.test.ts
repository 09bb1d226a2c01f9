// What the React entry renders of an execution, against a service that follows a script.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { createElement } from "react";
import { renderToString } from "react-dom/server";

import { Coderun, type ServerMessage } from "../src/index.js";
import { useExecution } from "../src/react.js";
import { type ExecutionState, ExecutionStore } from "../src/react-store.js";
import { ACCEPTED, bytes, HELLO, ID, output, problem, until as eventually, update } from "./messages.js";
import { start as startService, type Step } from "./scripted.js";

const DEADLINE_MS = 8_000;

async function start(context: TestContext, steps: Step[]) {
  let closed = 0;
  class CountedWebSocket extends WebSocket {
    override close() {
      closed += 1;
      super.close();
    }
  }
  const service = await startService(context, steps, { WebSocket: CountedWebSocket });
  return { ...service, store: new ExecutionStore(service.client), closed: () => closed };
}

/** Subscribes until the state satisfies the condition: that state, and all before it. */
function until(store: ExecutionStore, holds: (state: ExecutionState) => unknown): Promise<ExecutionState[]> {
  const states: ExecutionState[] = [];
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`waited too long: ${JSON.stringify(states)}`)), DEADLINE_MS);
    const stop = store.subscribe(() => {
      states.push(store.snapshot());
      if (!holds(store.snapshot())) return;
      clearTimeout(late);
      stop();
      resolve(states);
    });
  });
}

const RUNNING = update(1, { status: "running" });

/** The last message, with a record that has this output. */
function final(seq: number, output: string): ServerMessage {
  return update(seq, { status: "completed", verdict: "accepted", output, error_output: "" });
}

/** A socket that sends these messages and then nothing until the test is over. */
function open(context: TestContext, messages: ServerMessage[]): Step {
  return { messages, mayClose: new Promise<void>((resolve) => context.after(() => resolve())), code: 1000 };
}

test("a server renders an execution that has not begun", () => {
  const client = new Coderun({ baseUrl: "http://127.0.0.1:9", getToken: () => "token" });
  const Page = () => {
    const { status, output, isActive } = useExecution(client, ID);
    return createElement("pre", null, `${status} ${isActive} [${output}]`);
  };
  assert.equal(renderToString(createElement(Page)), "<pre>idle false []</pre>");
});

test("the state follows a program from its submission to its end", async (context) => {
  const messages: ServerMessage[] = [
    { type: "queue", data: { position: 2, estimated_start_ms: null } },
    RUNNING,
    output(2, "H"),
    bytes(3, [0xc3]),
    bytes(4, [0xa9]),
    { type: "awaiting_input", execution_id: ID, seq: 5, data: { attempt: 1 } },
    output(6, "!\n"),
    final(7, "Hé!\n"),
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
  assert.deepEqual([last?.id, last?.record?.verdict, last?.failure], [ID, "accepted", undefined]);
});

test("the output of an attempt replaces that of the one before", async (context) => {
  const error = { ...output(2, ""), data: { stream: "stderr", text: "lost", attempt: 1 } } as ServerMessage;
  const messages = [output(1, "lost"), error, update(3, { attempts: 2 }), output(4, "kept", 2), output(5, "anew", 3)];
  const { store } = await start(context, [{ messages, code: 1008 }]);
  const ended = until(store, ({ failure }) => failure);
  store.commands.follow(ID);
  const outputs = (await ended).map(({ output, errorOutput }) => `${output}/${errorOutput}`);
  assert.deepEqual(outputs, ["/", "/", "lost/", "lost/lost", "/", "kept/", "anew/", "anew/"]);
});

test("a component that is unmounted closes its connection, and goes on after the last message", async (context) => {
  const { store, seen, closed } = await start(context, [
    open(context, [RUNNING, output(2, "H"), bytes(3, [0xc3])]),
    { messages: [bytes(4, [0xa9]), final(5, "Hé")], code: 1000 },
  ]);
  let pieces = 0;
  const half = until(store, ({ output }) => output === "H" && ++pieces === 2);
  store.commands.follow(ID);
  await half;
  await eventually(() => closed() === 1);
  const outputs = (await until(store, ({ isActive }) => !isActive)).map(({ output }) => output);
  assert.equal(outputs.at(-1), "Hé");
  assert.match(seen[1]?.url ?? "", /since=3$/);
});

test("a refused submission is a failure", async (context) => {
  const { store } = await start(context, [problem(422, "`language` is unknown")]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.run(HELLO);
  const last = (await failed).at(-1);
  assert.deepEqual([last?.status, last?.isActive, last?.failure?.message], ["idle", false, "`language` is unknown"]);
});

test("an execution that cannot be followed is a failure, after which it can be followed again", async (context) => {
  const { store } = await start(context, [{ messages: [], code: 4004 }, { messages: [final(1, "")], code: 1000 }]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.follow(ID);
  const last = (await failed).at(-1);
  assert.deepEqual([last?.isActive, last?.failure?.message], [false, "Execution not found"]);
  const ended = until(store, ({ status }) => status === "completed");
  store.commands.follow(ID);
  assert.equal((await ended).at(-1)?.failure, undefined);
});

test("an error that the service reports is a failure, and the program goes on", async (context) => {
  const error: ServerMessage = { type: "error", data: { detail: "stdin is closed" } };
  const { store } = await start(context, [open(context, [RUNNING, error])]);
  const failed = until(store, ({ failure }) => failure);
  store.commands.follow(ID);
  const last = (await failed).at(-1);
  assert.deepEqual([last?.isActive, last?.failure?.message], [true, "stdin is closed"]);
});

test("input that comes before the submission is accepted is a failure", async (context) => {
  const { store } = await start(context, ["silence"]);
  store.commands.run(HELLO);
  store.commands.send("early\n");
  const { failure, isActive } = store.snapshot();
  assert.deepEqual([failure?.message, isActive], ["The program does not take input yet", true]);
});

test("cancelling waits for the answer to the submission", async (context) => {
  const { store, seen } = await start(context, [ACCEPTED, problem(409, "too late")]);
  store.commands.run(HELLO);
  store.commands.cancel();
  await eventually(() => store.snapshot().failure !== undefined);
  const { failure, isActive } = store.snapshot();
  assert.deepEqual([failure?.message, isActive], ["too late", true]);
  assert.ok(seen[1]?.url.endsWith(`/cancel/${ID}`));
});

test("a further submission leaves the one before, and does not stop it from being cancelled", async (context) => {
  const { store, seen } = await start(context, [
    ACCEPTED,
    open(context, [output(1, "first")]),
    ACCEPTED,
    ACCEPTED,
    open(context, [output(1, "second")]),
  ]);
  const first = until(store, ({ output }) => output);
  store.commands.run(HELLO);
  await first;
  store.commands.cancel();
  store.commands.run(HELLO);
  assert.equal(store.snapshot().output, "");
  await eventually(() => seen.length === 4 && store.snapshot().status === "pending");
  const second = await until(store, ({ output }) => output);
  assert.deepEqual(second.map(({ output }) => output), ["second"]);
  const paths = seen.map(({ method, url }) => `${method} ${url.split("/")[4]}`);
  assert.deepEqual(paths.slice(2, 4).sort(), ["POST cancel", "POST execute"]);
  assert.match(seen[4]?.url ?? "", /since=0$/);
});
