// A client that is generated from `/openapi.json` does what a user needs, against the real service.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import createClient, { type Client } from "openapi-fetch";

import { Coderun } from "../src/index.js";
import type { ClientMessage, components, ExecutionRecord, paths, ServerMessage } from "../src/index.js";
import { type Service, startService } from "./service.js";

const HELLO = { language: "python", code: "print('Hello', input())", input_data: "World\n" };
const SPECIFICATIONS = "../../crates/coderun-http/src/specification";
let service: Service;
let token: string;
let api: Client<paths>;
let stranger: Client<paths>;

before(async () => {
  service = await startService();
  token = (await service.print("token", "--uid", "alice")).trim();
  api = createClient<paths>({ baseUrl: service.url, headers: { Authorization: `Bearer ${token}` } });
  stranger = createClient<paths>({ baseUrl: service.url });
});

after(() => service?.stop());

/** Submits a program: its id. */
async function submit(body: components["schemas"]["Submission"]): Promise<string> {
  const { data, response } = await api.POST("/api/v1/executions/execute", { body });
  assert.equal(response.status, 200);
  assert.ok(data && "message" in data);
  assert.equal(response.headers.get("location"), `/api/v1/executions/status/${data.execution_id}`);
  return data.execution_id;
}

/** The record once it is final. */
async function final(id: string): Promise<ExecutionRecord> {
  for (let since = 0; ; ) {
    const params = { path: { id }, query: { wait: 20, since } };
    const { data } = await api.GET("/api/v1/executions/status/{id}", { params });
    assert.ok(data);
    if (data.completed_at !== null) return data;
    since = data.seq;
  }
}

test("the service serves and prints the documents that the types are made from", async () => {
  for (const name of ["openapi", "asyncapi"]) {
    const expected = JSON.parse(await readFile(`${SPECIFICATIONS}/${name}.json`, "utf8"));
    assert.deepEqual(await (await fetch(`${service.url}/${name}.json`)).json(), expected);
    assert.deepEqual(JSON.parse(await service.print(name)), expected);
  }
});

test("a program is submitted, waited for, listed and deleted", async () => {
  const id = await submit(HELLO);
  const path = { id };
  const record = await final(id);
  assert.equal(record.verdict, "accepted");
  assert.equal(record.output, "Hello World\n");
  assert.equal(record.limits.processes, 64);

  const { data: list } = await api.GET("/api/v1/executions", { params: { query: { limit: 5 } } });
  assert.deepEqual(list?.executions.map(({ execution_id }) => execution_id), [id]);
  assert.equal(list?.next_cursor, null);

  const { response } = await api.DELETE("/api/v1/executions/{id}", { params: { path } });
  assert.equal(response.status, 204);
  const { error } = await api.GET("/api/v1/executions/status/{id}", { params: { path } });
  assert.equal(error?.status, 404);
});

test("one request is answered with the final record", async () => {
  const headers = { Prefer: "wait=20", "Idempotency-Key": crypto.randomUUID() };
  const { data } = await api.POST("/api/v1/executions/execute", { body: HELLO, params: { header: headers } });
  assert.ok(data && "verdict" in data);
  assert.equal(data.verdict, "accepted");
});

test("errors are problems with a place", async () => {
  const body = { ...HELLO, limits: { memory_bytes: 2 ** 50 } };
  const { error, response } = await api.POST("/api/v1/executions/execute", { body });
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(error?.status, 422);
  assert.equal(error?.errors?.[0]?.pointer, "/limits/memory_bytes");

  const refused = await stranger.GET("/api/v1/auth/verify");
  assert.equal(refused.error?.status, 401);
  assert.equal(refused.error?.detail, "Not authenticated");
});

test("what needs no token is answered without one", async () => {
  const { data: languages } = await stranger.GET("/api/v1/languages");
  assert.ok(languages?.languages.some(({ name, versions }) => name === "python" && versions.length > 0));
  const { data: ready } = await stranger.GET("/health/ready");
  assert.equal(ready?.status, "ready");
});

/** The command that a message calls for. */
function answer(message: ServerMessage): ClientMessage | undefined {
  switch (message.type) {
    case "awaiting_input":
      return { type: "stdin", data: `attempt ${message.data.attempt}\n` };
    case "execution_output":
    case "execution_update":
    case "queue":
    case "auth_expiring":
    case "going_away":
    case "error":
    case "pong":
      return undefined;
  }
}

test("a socket carries the messages of the document", async () => {
  const id = await submit({ ...HELLO, input_data: "", interactive: true });
  const url = `${service.url.replace("http", "ws")}/api/v1/executions/ws/${id}?since=0`;
  const socket = new WebSocket(url, ["execution.v1", `bearer.${token}`]);
  const messages: ServerMessage[] = [];
  socket.onmessage = ({ data }) => {
    const message: ServerMessage = JSON.parse(data);
    messages.push(message);
    const command = answer(message);
    if (command) socket.send(JSON.stringify(command));
  };
  const code = await new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  assert.equal(code, 1000);
  const pieces = messages.map((message) =>
    message.type === "execution_output" && "text" in message.data ? message.data.text : "",
  );
  assert.equal(pieces.join(""), "Hello attempt 1\n");
  const last = messages.at(-1);
  assert.equal(last?.type === "execution_update" && last.data.verdict, "accepted");
});

test("the client runs a program, and types into one", async () => {
  const client = new Coderun({ baseUrl: service.url, getToken: () => token });
  assert.equal((await client.run(HELLO)).output, "Hello World\n");

  const execution = await client.execute({ ...HELLO, input_data: "", interactive: true });
  const watch = execution.watch();
  const types: string[] = [];
  for await (const message of watch) {
    types.push(message.type);
    if (message.type === "awaiting_input") watch.send("you\n");
  }
  assert.ok(types.includes("awaiting_input"));
  assert.equal((await execution.result()).output, "Hello you\n");
  await execution.delete();
  await assert.rejects(execution.record(), { name: "CoderunError", status: 404 });
});

test("a watch has its input confirmed by pongs, and hides them", { timeout: 30_000 }, async () => {
  const types: string[] = [];
  class Recorded extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => types.push(JSON.parse(data).type));
    }
    override send(text: string) {
      types.push(JSON.parse(text).type);
      super.send(text);
    }
  }
  const client = new Coderun({ baseUrl: service.url, getToken: () => token, WebSocket: Recorded });
  const echo = { language: "python", code: "for _ in range(2): print(input(), flush=True)", interactive: true };
  const watch = (await client.execute(echo)).watch();
  for await (const message of watch) {
    assert.notEqual(message.type, "pong");
    if (message.type === "awaiting_input") watch.send("a line\n");
  }
  const about = types.filter((type) => ["stdin", "ping", "pong"].includes(type));
  assert.deepEqual(about.slice(0, 3), ["stdin", "ping", "pong"]);
  assert.equal(about.filter((type) => type === "stdin").length, 2);
});
