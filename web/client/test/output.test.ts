// How the output of a program is read from messages.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { OutputPiece, ServerMessage } from "../src/index.js";
import { readOutput } from "../src/output.js";
import { bytes, final, ID, output, update } from "./messages.js";
import { start } from "./scripted.js";

async function* each(messages: ServerMessage[]) {
  yield* messages;
}

async function pieces(messages: ServerMessage[]): Promise<OutputPiece[]> {
  const pieces = [];
  for await (const piece of readOutput(each(messages))) pieces.push(piece);
  return pieces;
}

test("pieces carry what the program wrote, as bytes and as text", async () => {
  // "é" and "😀" in two pieces each, a byte that is no UTF-8, and the beginning of a character at the end.
  const parts = [bytes(1, [0x68, 0xc3]), bytes(2, [0xa9, 0xf0, 0x9f]), bytes(3, [0x98, 0x80]), output(4, "\uFEFF!"), bytes(5, [0xff, 0xe2, 0x82])];
  const given = await pieces([...parts, final(6)]);
  assert.deepEqual(given.map(({ text }) => text), ["h", "é", "😀", "\uFEFF!", "\uFFFD", "\uFFFD"]);
  assert.equal(
    Buffer.concat(given.map(({ bytes }) => bytes)).toString("hex"),
    `68c3a9f09f9880${"efbbbf21"}ffe282`,
  );
});

test("a byte order mark is a character like any other", async () => {
  const given = await pieces([output(1, "\uFEFFa"), final(2)]);
  assert.deepEqual(given.map(({ text }) => text), ["\uFEFFa"]);
});

test("the streams are told apart", async () => {
  const error = { ...output(2, ""), data: { stream: "stderr" as const, bytes_base64: btoa("\xc3"), attempt: 1 } } as ServerMessage;
  const given = await pieces([bytes(1, [0xc3]), error, bytes(3, [0xa9]), final(4)]);
  assert.deepEqual(
    given.map(({ stream, text }) => [stream, text]),
    [["stdout", ""], ["stderr", ""], ["stdout", "é"], ["stderr", "\uFFFD"]],
  );
});

test("a further attempt makes the output before it void, even if it writes nothing", async () => {
  for (const then of [[update(4, { attempts: 2 }), output(5, "b", 2)], [output(4, "b", 2)], [update(4, { attempts: 2 })]]) {
    const given = await pieces([update(1), output(2, "a"), bytes(3, [0xc3]), ...then]);
    assert.deepEqual(given.map(({ isRestart }) => isRestart).slice(0, 3), [false, false, true]);
    const restart = given.findIndex(({ isRestart }) => isRestart);
    assert.equal(given[restart]?.attempt, 2);
    assert.equal(given[restart]?.bytes.length, 0);
    const kept = given.slice(restart + 1).map(({ text }) => text);
    assert.deepEqual(kept, then.some(({ type }) => type === "execution_output") ? ["b"] : []);
  }
});

test("the first attempt with output is no restart", async () => {
  const given = await pieces([update(1), update(2, { attempts: 2 }), output(3, "a", 2)]);
  assert.deepEqual(given.map(({ isRestart, attempt }) => [isRestart, attempt]), [[false, 2]]);
});

test("output of an attempt that is over is not given", async () => {
  const given = await pieces([output(1, "b", 2), output(2, "a", 1)]);
  assert.deepEqual(given.map(({ text }) => text), ["b"]);
});

test("a handle gives the output across a cut and an attempt", async (context) => {
  const { client } = await start(context, [
    { messages: [update(1), output(2, "lo")], code: "cut" },
    { messages: [output(3, "st"), update(4, { attempts: 2 }), output(5, "ke", 2)], code: 1012 },
    { messages: [output(6, "pt", 2), { ...final(7) }], code: 1000 },
  ]);
  let text = "";
  for await (const piece of client.execution(ID).output) text = piece.isRestart ? "" : text + piece.text;
  assert.equal(text, "kept");
});
