// How input reaches a program, against a service that follows a script.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { ClientMessage, ServerMessage } from "../src/index.js";
import { DONE, final, ID, OK, read, until, update } from "./messages.js";
import { countPongs, type Session, start, type Step } from "./scripted.js";

const NEVER = new Promise<void>(() => {});
const NO_SOCKETS: Step[] = ["cut", OK, "cut", OK];

/** A socket that stays open until it is closed, and notes what it gets; its pongs can be held back. */
function session(more: Partial<Session> = {}, pongs = true) {
  const got: string[] = [];
  let close = () => {};
  const step: Session = {
    messages: [update(1)],
    last: more.code ? [] : [final(9)],
    code: 1000,
    mayClose: new Promise<void>((resolve) => (close = resolve)),
    onMessage(message: ClientMessage): ServerMessage | undefined {
      got.push(message.type === "stdin" ? message.data : message.type);
      return message.type === "ping" && pongs ? { type: "pong" } : undefined;
    },
    ...more,
  };
  return { step, got, close: () => close() };
}

test("input sent before a connection opens, and between two, is sent once one is open", { timeout: 30_000 }, async (context) => {
  const [first, second] = [session({ code: 1012 }), session({ messages: [update(2)] })];
  const { client } = await start(context, [first.step, second.step]);
  const watch = client.execution(ID).watch();
  watch.send("before\n");
  const watching = read(watch);
  await until(() => first.got.includes("before\n"));
  watch.send("open\n");
  await until(() => first.got.includes("open\n"));
  first.close();
  await until(() => second.got.length > 0 || (watch.send("between\n"), false));
  watch.closeInput();
  await until(() => second.got.includes("stdin_close"));
  second.close();
  assert.deepEqual(await watching, [1, 2, 9]);
  assert.equal(second.got[0], "between\n");
});

test("input is followed by a ping, whose pong confirms it", { timeout: 30_000 }, async (context) => {
  const { step, got, close } = session({ code: "cut" });
  const { WebSocket, pongs } = countPongs();
  const { client } = await start(context, [step, { messages: [final(2)], code: 1000 }], { WebSocket });
  const watch = client.execution(ID).watch();
  const messages: ServerMessage[] = [];
  for await (const message of watch) {
    messages.push(message);
    if (messages.length > 1) continue;
    watch.send("a\n");
    watch.send("b\n");
    await until(() => pongs() === 2);
    close();
  }
  assert.deepEqual(got, ["a\n", "ping", "b\n", "ping"]);
  assert.deepEqual(messages.map(({ type }) => type), ["execution_update", "execution_update"]);
});

test("input that may be lost with its connection is reported, and not sent again", { timeout: 30_000 }, async (context) => {
  const [first, second] = [session({ code: "cut" }, false), session({ messages: [final(2)] })];
  const { client } = await start(context, [first.step, second.step]);
  const watch = client.execution(ID).watch();
  const messages: ServerMessage[] = [];
  for await (const message of watch) {
    messages.push(message);
    if (messages.length > 1) continue;
    watch.send("a\n");
    await until(() => first.got.length === 2);
    first.close();
  }
  assert.deepEqual(messages.map(({ type }) => type), ["execution_update", "error", "execution_update"]);
  assert.match(JSON.stringify(messages[1]), /may be lost/);
  assert.deepEqual(second.got, []);
});

test("a connection that breaks unnoticed is replaced after little input, too", { timeout: 30_000 }, async (context) => {
  const { step } = session({}, false);
  const { client, seen } = await start(context, [step, { messages: [final(2)], code: 1000 }]);
  context.mock.timers.enable({ apis: ["setInterval"] });
  const watch = client.execution(ID).watch();
  const types: string[] = [];
  for await (const { type } of watch) {
    types.push(type);
    if (types.length > 1) continue;
    watch.send("x".repeat(100_000));
    context.mock.timers.tick(40_000);
  }
  assert.deepEqual(types, ["execution_update", "error", "execution_update"]);
  assert.equal(seen.length, 2);
});

test("a watch waits for a pong behind much input that its program does not read", { timeout: 30_000 }, async (context) => {
  const { step, close } = session({}, false);
  const { client, seen } = await start(context, [step]);
  context.mock.timers.enable({ apis: ["setInterval"] });
  const watch = client.execution(ID).watch();
  for await (const _ of watch) {
    watch.send("not read".repeat(40_000));
    context.mock.timers.tick(80_000);
    close();
  }
  assert.equal(seen.length, 1);
});

test("long input is sent in messages that the service takes", { timeout: 30_000 }, async (context) => {
  const { step, got, close } = session();
  const { client } = await start(context, [step]);
  const watch = client.execution(ID).watch();
  const watching = read(watch);
  const text = "\u0001".repeat(25_000) + "😀".repeat(5_000);
  watch.send(text);
  watch.closeInput();
  await until(() => got.includes("stdin_close"));
  close();
  await watching;
  const texts = got.filter((item) => item !== "ping" && item !== "stdin_close");
  assert.equal(texts.join(""), text);
  for (const text of texts) assert.ok(JSON.stringify(text).length < 64_000);
});

test("more than 1 MiB does not wait for a connection", async (context) => {
  const { client } = await start(context, []);
  const watch = client.execution(ID).watch();
  watch.send("x".repeat(1024 * 1024 - 10_000));
  assert.throws(() => watch.send("x".repeat(10_001)), { name: "CoderunError", message: /1 MiB/ });
});

test("more than 4 MiB does not wait in an open connection that takes nothing", { timeout: 30_000 }, async (context) => {
  let buffered = 0;
  class Stuck extends WebSocket {
    override get bufferedAmount() {
      return buffered;
    }
  }
  const { step, got, close } = session();
  const { client } = await start(context, [step], { WebSocket: Stuck });
  const watch = client.execution(ID).watch();
  const watching = read(watch);
  await until(() => (watch.send("x"), got.includes("x")));
  buffered = 4 * 1024 * 1024 - 1;
  watch.send("y");
  assert.throws(() => watch.send("zz"), { name: "CoderunError", message: /4 MiB/ });
  await until(() => got.includes("y"));
  close();
  await watching;
});

test("a handle sends input without a watch, and with one over its connection", { timeout: 30_000 }, async (context) => {
  const [first, second] = [session({ messages: [update(1)] }), session({ messages: [final(2)] })];
  const { client, seen } = await start(context, [first.step, second.step]);
  const execution = client.execution(ID);
  execution.send("a\n");
  execution.closeInput();
  await until(() => first.got.includes("stdin_close"));
  assert.equal(seen.length, 1);
  await read(execution);
  assert.deepEqual(second.got, []);
  first.close();
});

test("input of a handle that cannot be sent is refused the next time", { timeout: 30_000 }, async (context) => {
  const { client } = await start(context, [{ messages: [], code: 4004 }]);
  const execution = client.execution(ID);
  execution.send("a\n");
  const refused = () => {
    try {
      execution.send("b\n");
      return false;
    } catch (error) {
      assert.equal((error as { status: number }).status, 404);
      return true;
    }
  };
  await until(refused);
});

test("what a handle learns of its input without a watch is thrown by the next call, once", { timeout: 30_000 }, async (context) => {
  const error: ServerMessage = { type: "error", data: { detail: "stdin is closed" } };
  const { step, got, close } = session({ messages: [update(1), error] });
  const { client } = await start(context, [step]);
  const execution = client.execution(ID);
  execution.send("a\n");
  const thrown: unknown[] = [];
  const isSent = () => {
    try {
      execution.send("b\n");
    } catch (error) {
      thrown.push(error);
    }
    return thrown.length > 0 && got.includes("b\n");
  };
  await until(isSent);
  execution.send("c\n");
  await until(() => got.includes("c\n"));
  close();
  assert.deepEqual(thrown.map((error) => (error as Error).message), ["stdin is closed"]);
});

test("a handle whose input was refused takes input once a watch has a connection again", { timeout: 30_000 }, async (context) => {
  const { step, got, close } = session();
  const { client, seen } = await start(context, [{ messages: [], code: 4003 }, step, { messages: [final(2)], code: 1000 }]);
  const execution = client.execution(ID);
  const isRefused = () => {
    try {
      return execution.closeInput(), false;
    } catch {
      return true;
    }
  };
  await until(isRefused);
  const watching = read(execution);
  await until(() => seen.length === 2 && !isRefused());
  await until(() => got.includes("stdin_close"));
  close();
  assert.deepEqual(await watching, [1, 9]);
  assert.ok(!isRefused());
});

test("input needs a socket: without one it is refused, and what waited is reported", { timeout: 30_000 }, async (context) => {
  const stream: Step = { frames: [update(1), final(2)], end: "end" };
  const { client, steps, seen } = await start(context, [...NO_SOCKETS, stream]);
  const execution = client.execution(ID);
  const watch = execution.watch();
  watch.send("a\n");
  const types: string[] = [];
  for await (const message of watch) {
    types.push(message.type);
    for (const send of [() => watch.send("b\n"), () => watch.closeInput(), () => execution.send("c\n")]) {
      assert.throws(send, { name: "CoderunError", message: /needs a WebSocket/ });
    }
  }
  assert.deepEqual(types, ["error", "execution_update", "execution_update"]);
  // Stopping the program does not need one.
  steps.push(DONE);
  await execution.cancel();
  assert.equal(seen.at(-1)?.url, `/api/v1/executions/cancel/${ID}`);
});

test("input after the end has no effect", async (context) => {
  const { client } = await start(context, [{ messages: [final(1)], mayClose: NEVER, code: 1000 }]);
  const watch = client.execution(ID).watch();
  await read(watch);
  watch.send("late\n");
});
