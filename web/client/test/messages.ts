// Makes the messages and answers that scripts are written with.

import type { ExecutionRecord, ServerMessage } from "../src/index.js";

export const ID = "5d787309-7f3c-4e2b-9a55-0c8a1d7f2b11";
export const PATH = `/api/v1/executions/status/${ID}`;
export const HELLO = { language: "python", code: "print('Hello')" };
export const ACCEPTED = { status: 200, body: { execution_id: ID, status: "pending", message: "Code submitted" } };
export const DONE = { status: 200, body: { execution_id: ID, seq: 3, verdict: "accepted" } };
export const UNAVAILABLE = problem(503, "Try again later");
export const OK = { status: 200 };

export function problem(status: number, detail: string, headers: Record<string, string> = {}) {
  return { status, body: { status, detail }, headers };
}

export function output(seq: number, text: string, attempt = 1): ServerMessage {
  const data = { stream: "stdout" as const, text, attempt };
  return { type: "execution_output", execution_id: ID, seq, data };
}

export function bytes(seq: number, bytes: number[], attempt = 1): ServerMessage {
  const data = { stream: "stdout" as const, bytes_base64: Buffer.from(bytes).toString("base64"), attempt };
  return { type: "execution_output", execution_id: ID, seq, data };
}

export function update(seq: number, data: Partial<ExecutionRecord> = {}): ServerMessage {
  const record = { seq, verdict: null, attempts: 1, ...data } as ExecutionRecord;
  return { type: "execution_update", execution_id: ID, seq, data: record };
}

export function final(seq: number): ServerMessage {
  return update(seq, { verdict: "accepted" });
}

/** The numbers of the stored messages. */
export async function read(messages: AsyncIterable<ServerMessage>): Promise<number[]> {
  const numbers = [];
  for await (const message of messages) if ("seq" in message) numbers.push(message.seq);
  return numbers;
}

/** Waits until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("waited too long");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
