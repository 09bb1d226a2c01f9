// Tests a frontend without a service: a fake client that gives a program's output and record. Run it with `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Coderun } from "@coderun/client";

/** A client of a service on which every program writes these pieces and ends with this verdict. */
export function fakeClient({ pieces = [], verdict = "accepted" }) {
  const record = { execution_id: "1", status: "completed", verdict, attempts: 1, error_output: "", output: pieces.join("") };
  const messages = [
    ...pieces.map((text) => ({ type: "execution_output", data: { stream: "stdout", text, attempt: 1 } })),
    { type: "execution_update", data: record },
  ].map((message, index) => ({ ...message, execution_id: "1", seq: index + 1 }));

  class FakeWebSocket {
    readyState = 1;
    constructor() {
      queueMicrotask(() => {
        this.onopen({});
        for (const message of messages) this.onmessage({ data: JSON.stringify(message) });
      });
    }
    send() {}
    close() {}
  }
  const fetch = async () => Response.json(record);
  return new Coderun({ baseUrl: "http://fake", getToken: () => "token", fetch, WebSocket: FakeWebSocket });
}

test("the record is shown", async () => {
  const client = fakeClient({ pieces: ["Hello "], verdict: "time_limit" });
  const { verdict } = await client.run({ language: "python", code: "…" });
  assert.equal(verdict, "time_limit");
});

test("the output is streamed", async () => {
  const client = fakeClient({ pieces: ["Hello ", "World\n"] });
  const execution = await client.execute({ language: "python", code: "…" });
  const shown = [];
  for await (const { text } of execution.output) shown.push(text);
  assert.deepEqual(shown, ["Hello ", "World\n"]);
});

test("a refusal of the service is shown", async () => {
  const headers = { "Content-Type": "application/problem+json" };
  const fetch = async () => Response.json({ detail: "`language` is unknown" }, { status: 422, headers });
  const client = new Coderun({ baseUrl: "http://fake", getToken: () => "token", fetch });
  const refused = { name: "CoderunError", status: 422, message: "`language` is unknown" };
  await assert.rejects(client.run({ language: "cobol", code: "…" }), refused);
});
