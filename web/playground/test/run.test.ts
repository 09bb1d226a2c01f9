// Stops programs while the service, or the user, does something else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Coderun, CoderunError, type ServerMessage } from "@coderun/client";

import { Run } from "../src/model/run";
import { programOf } from "./programs";

/** A client whose executions run until they are left, with this answer to a cancellation. */
function clientOf(cancel: (signal?: AbortSignal) => Promise<void>): Coderun {
  async function* watch({ signal }: { signal: AbortSignal }): AsyncGenerator<ServerMessage> {
    const data = { status: "running", verdict: null };
    yield { type: "execution_update", data } as ServerMessage;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const execution = (id: string) => ({ id, cancel, watch });
  return { execution, execute: async () => execution("1") } as unknown as Coderun;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a program that could not be stopped can be stopped again", async () => {
  let calls = 0;
  const refuse = async () => {
    calls += 1;
    throw new CoderunError("Too many requests", 429);
  };
  const run = new Run(clientOf(refuse), { accepted: () => {}, ended: () => {} });
  void run.start(programOf(""));
  await turn();
  await run.stop();
  assert.equal(run.failure.peek()?.message, "Too many requests");
  assert.equal(run.phase.peek(), "running");
  await run.stop();
  assert.equal(calls, 2);
});

test("a program is stopped also if the user goes on to another one at once", async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const run = new Run(clientOf(async (signal) => void signals.push(signal)), { accepted: () => {}, ended: () => {} });
  void run.start(programOf(""));
  await turn();
  void run.stop();
  void run.follow("2");
  assert.deepEqual(signals.map((signal) => signal?.aborted ?? false), [false]);
});
