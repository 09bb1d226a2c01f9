// The client against the real service, over connections that are cut all the time: the same bytes, and one run for each submit.

import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";

import { Coderun, type ConnectionOptions, type Execution, type ExecutionRecord } from "../src/index.js";
import { assertNoise, noise } from "./noise.js";
import { randomLife, startProxy } from "./proxy.js";
import { startRedis } from "./redis.js";
import { type Service, startService } from "./service.js";

const CUTS = 100;
const DEADLINE_MS = 90_000;

/** Clients whose messages come by each of the three ways, and how often the last one has polled. */
function clients(baseUrl: string, token: string) {
  class NoWebSocket extends WebSocket {
    constructor() {
      throw new Error("stopped by a proxy");
      super("");
    }
  }
  let polls = 0;
  /** Gives an event stream once it is complete, as a proxy does that collects answers. */
  const collecting: typeof fetch = async (input, init) => {
    polls += String(input).includes("?wait=") ? 1 : 0;
    const response = await fetch(input, init);
    const type = response.headers.get("content-type");
    if (!type?.startsWith("text/event-stream")) return response;
    return new Response(await response.text(), { headers: { "content-type": type } });
  };
  const ways: Partial<ConnectionOptions>[] = [{}, { WebSocket: NoWebSocket }, { WebSocket: NoWebSocket, fetch: collecting }];
  const users = ways.map((options) => new Coderun({ baseUrl, getToken: () => token, ...options }));
  return { users, polls: () => polls };
}

/** Follows an execution to its end, and checks what it has written: its record. */
async function check(execution: Execution): Promise<ExecutionRecord> {
  const written: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  for await (const piece of execution.output) {
    if (piece.isRestart) for (const stream of ["stdout", "stderr"] as const) written[stream] = [];
    written[piece.stream].push(piece.bytes);
  }
  assertNoise(Buffer.concat(written.stdout), Buffer.concat(written.stderr));
  const record = await execution.result();
  assert.equal(record.verdict, "accepted");
  return record;
}

/** Checks what a record says that the program has written. */
function checkRecord(record: ExecutionRecord): ExecutionRecord {
  assertNoise(Buffer.from(record.output ?? ""), Buffer.from(record.error_output_base64 ?? "", "base64"));
  return record;
}

/** The ids of the user's executions, as this service tells them. */
async function listed({ url }: Service, token: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/v1/executions?limit=100`, { headers });
  const { executions } = (await response.json()) as { executions: { execution_id: string }[] };
  return idsOf(executions);
}

function idsOf(executions: { execution_id: string }[]): string[] {
  return executions.map(({ execution_id }) => execution_id).sort();
}

/** Runs programs over connections to these services that are cut at random, until enough were cut. */
async function runUntilCut(context: TestContext, services: Service[]): Promise<void> {
  const [first] = services;
  assert.ok(first);
  const proxy = await startProxy(services.map(({ url }) => url), randomLife(context));
  context.after(proxy.stop);
  const token = (await first.print("token", "--uid", "alice")).trim();
  const { users, polls } = clients(proxy.url, token);
  const records: ExecutionRecord[] = [];
  const deadline = performance.now() + DEADLINE_MS;
  while (proxy.cuts() < CUTS) {
    assert.ok(performance.now() < deadline, `${proxy.cuts()} cuts`);
    const running = users.map(async (client) => check(await client.execute(noise(0.01))));
    // It takes longer than a connection lives, so that its answer is lost at first.
    const answered = users.slice(0, 1).map(async (client) => checkRecord(await client.run(noise(0.01))));
    records.push(...(await Promise.all([...running, ...answered])));
  }
  context.diagnostic(`${proxy.cuts()} cuts, ${records.length} executions, ${polls()} polls`);
  assert.ok(polls() > 0);
  assert.deepEqual(new Set(records.map(({ attempts }) => attempts)), new Set([1]));
  assert.deepEqual(await listed(first, token), idsOf(records));
}

// They wait most of the time, so they run at once.
describe("over connections that are cut", { concurrency: true }, () => {
  test("100 cuts change no byte, with the state in memory", { timeout: DEADLINE_MS + 30_000 }, async (context) => {
    const service = await startService();
    context.after(service.stop);
    await runUntilCut(context, [service]);
  });

  test("100 cuts change no byte, with Redis and two replicas", { timeout: DEADLINE_MS + 30_000 }, async (context) => {
    await runUntilCut(context, await startReplicas(context));
  });

  test("a replica that is killed changes no byte", { timeout: DEADLINE_MS + 30_000 }, async (context) => {
    const services = await startReplicas(context);
    const [first, second] = services;
    assert.ok(first && second);
    const proxy = await startProxy(services.map(({ url }) => url), () => 1_000);
    context.after(proxy.stop);
    const token = (await second.print("token", "--uid", "alice")).trim();
    const { users } = clients(proxy.url, token);
    // Two for each replica.
    const executions = await Promise.all([...users, ...users.slice(0, 1)].map((client) => client.execute(noise(0.03))));
    const checking = executions.map(check);
    const direct = new Coderun({ baseUrl: second.url, getToken: () => token });
    await Promise.all(executions.map(({ id }) => hasBegun(direct.execution(id))));
    await first.kill();
    const records = await Promise.all(checking);
    assert.deepEqual(await listed(second, token), idsOf(records));
    // The other replica may be too busy to keep its own.
    assert.ok(records.filter(({ attempts }) => attempts > 1).length >= 2);
  });
});

/** Two services that share a Redis server, each with two workers. */
async function startReplicas(context: TestContext): Promise<Service[]> {
  const redis = await startRedis();
  context.after(redis.stop);
  const settings = { REDIS_URL: redis.url, WORKER_CONCURRENCY: "2" };
  const first = await startService(settings);
  context.after(first.stop);
  const second = await startService({ ...settings, STATE_DIR: first.folder });
  context.after(second.stop);
  return [first, second];
}

/** Waits until a program has written something. */
async function hasBegun(execution: Execution): Promise<void> {
  for await (const message of execution) if (message.type === "execution_output") return;
}
