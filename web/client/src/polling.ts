// Follows an execution over requests that wait for its end, where neither a socket nor a stream goes through.

import { followEventStream } from "./event-stream.js";
import type { components } from "./generated/openapi.js";
import type { ServerMessage } from "./progress.js";
import { pause } from "./retry.js";
import type { Subscription } from "./transport.js";

type ExecutionRecord = components["schemas"]["Record"];

/** Seconds that one request waits for a change. */
export const WAIT_SECONDS = 30;
/** The least time between two requests. */
const PAUSE_MS = 250;

/** The answers to one request after another, each after a change or 30 s. The last one is final. */
export async function* poll(
  request: (query: string) => Promise<ExecutionRecord>,
  signal?: AbortSignal,
): AsyncGenerator<ExecutionRecord, void, void> {
  for (let query = ""; ; ) {
    const record = await request(query);
    yield record;
    if (record.verdict !== null) return;
    query = `?wait=${WAIT_SECONDS}&since=${record.seq}`;
    await pause(PAUSE_MS, signal);
  }
}

/**
 * The states that polls tell, and after the end all messages that were not given yet: what is stored about a final execution
 * is a response that ends, which also goes through a proxy that collects responses.
 */
export async function* followByPolling(subscription: Subscription): AsyncGenerator<ServerMessage, void, void> {
  const { connection, path, token, progress, signal } = subscription;
  const request = (query: string) => connection.attempt<ExecutionRecord>(path("status") + query, token, { signal });
  let told = "";
  for await (const record of poll(request, signal)) {
    subscription.opened();
    subscription.alive();
    const state = `${record.status} ${record.attempts}`;
    if (record.verdict !== null || state === told) continue;
    told = state;
    yield progress.polled(record);
  }
  yield* followEventStream(subscription);
}
