// Follows an execution over one response with server-sent events.

import { unlessLost } from "./connection.js";
import { CoderunError } from "./error.js";
import { isFinal, type ServerMessage } from "./progress.js";
import { Deadline } from "./retry.js";
import type { Subscription } from "./transport.js";

/** How long the first bytes may take. The service sends some at once; a proxy that collects them does not work. */
const OPEN_MS = 10_000;
/** How long the service may send nothing: it sends a comment every 15 s. */
const SILENCE_MS = 40_000;

/**
 * The messages of one event stream. It returns once the execution is final.
 *
 * @throws CoderunError if the stream ends before that, or is refused.
 */
export async function* followEventStream(subscription: Subscription): AsyncGenerator<ServerMessage, void, void> {
  const { connection, path, token, progress, signal } = subscription;
  const deadline = new Deadline(signal);
  try {
    deadline.start(OPEN_MS);
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(progress.since) };
    const response = await connection.open(path("events"), token, { headers, signal: deadline.signal });
    if (response.status === 204) return;
    for await (const frame of frames(response, deadline)) {
      subscription.opened();
      const message = parse(frame);
      // The first frame has no message, and comes before the service has read anything.
      if (message || frame.startsWith(":")) subscription.alive();
      if (message) yield message;
      if (message && isFinal(message)) return;
    }
    throw new CoderunError("The event stream ended early", 0);
  } finally {
    deadline.end();
  }
}

/** The frames of a response. */
async function* frames(response: Response, deadline: Deadline): AsyncGenerator<string, void, void> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (!isStream) throw new CoderunError("The service did not answer with an event stream", 0);
  let text = "";
  for await (const piece of pieces(response)) {
    // What the caller does with the frames takes none of the service's time.
    deadline.stop();
    let end = text.length - 1;
    text += piece;
    while ((end = text.indexOf("\n\n", end)) >= 0) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
      end = 0;
    }
    deadline.start(SILENCE_MS);
  }
}

/** The text of a response as it comes, or all of it at once where the platform has no streams. */
async function* pieces(response: Response): AsyncGenerator<string, void, void> {
  const reader = response.body?.getReader();
  if (!reader) return yield await unlessLost(response.text());
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (;;) {
    const { value } = await unlessLost(reader.read());
    if (!value) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** The message of a frame (HTML standard, section 9.2), if it has one. The service writes each in one line. */
function parse(frame: string): ServerMessage | undefined {
  const data = frame.split("\n").find((line) => line.startsWith("data: "));
  return data && JSON.parse(data.slice("data: ".length));
}
