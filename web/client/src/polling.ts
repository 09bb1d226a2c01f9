// Follows an execution over requests that wait for its end, where neither a socket nor a stream goes through.

import { CoderunError } from "./error.js";
import { followEventStream } from "./event-stream.js";
import type { components } from "./generated/openapi.js";
import type { ServerMessage } from "./progress.js";
import { pause } from "./retry.js";
import type { Subscription } from "./transport.js";

type ExecutionRecord = components["schemas"]["Record"];

/** Seconds that one request waits for a change: less than the 30 s after which many proxies cut a request. */
export const WAIT_SECONDS = 20;
/** The least time between two requests. */
const PAUSE_MS = 250;

/** The answers to one request after another, each after a change or 20 s. The last one is final. */
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
    if (record.verdict !== null) return yield* followFinal(subscription, record);
    subscription.alive();
    const state = `${record.status} ${record.attempts}`;
    if (state === told) continue;
    told = state;
    yield progress.polled(record);
  }
}

/** What is still to be given of a final execution. Where not even the stream of stored messages comes, the record tells it. */
async function* followFinal(subscription: Subscription, record: ExecutionRecord): AsyncGenerator<ServerMessage, void, void> {
  const { progress, signal } = subscription;
  const isRepeated = progress.isFinalPolled;
  progress.isFinalPolled = true;
  // The same end again is no progress: a stream that never comes must run out of time. One of two replicas may be away.
  if (isRepeated) subscription.answered();
  else subscription.alive();
  try {
    yield* followEventStream(subscription);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CoderunError) || (error.isTransient && !isRepeated)) throw error;
    // Which part of the output was given already, the record does not tell.
    if (progress.since > 0) throw error;
    yield* outputOf(record);
    yield progress.polled(record);
  }
}

/** The output of a final record as messages. They carry the number of a watch that has given nothing. */
function* outputOf(record: ExecutionRecord): Generator<ServerMessage, void, void> {
  const { execution_id, attempts: attempt } = record;
  const outputs = [
    ["stdout", record.output, record.output_base64],
    ["stderr", record.error_output, record.error_output_base64],
  ] as const;
  for (const [stream, text, bytes_base64] of outputs) {
    const data = bytes_base64 ? { stream, bytes_base64, attempt } : { stream, text: text ?? "", attempt };
    if (text || bytes_base64) yield { type: "execution_output", execution_id, seq: 0, data };
  }
}
