// Takes a program's output out of the messages about its execution.

import type { ServerMessage } from "./progress.js";

/** A piece of what a program has written. */
export interface OutputPiece {
  stream: "stdout" | "stderr";
  /** The piece as text. A character whose bytes are in two pieces is in the later one. */
  text: string;
  /** The piece as the program wrote it. */
  bytes: Uint8Array;
  /** How often a worker had taken the program up. */
  attempt: number;
  /** Whether the program has started anew, so that all earlier pieces are void. Such a piece is empty. */
  isRestart: boolean;
}

/** The pieces of the output in order. */
export async function* readOutput(
  messages: AsyncIterable<ServerMessage>,
): AsyncGenerator<OutputPiece, void, void> {
  const encoder = new TextEncoder();
  const empty = { stream: "stdout" as const, text: "", bytes: new Uint8Array() };
  let decoders = newDecoders();
  let attempt = 0;
  let hasOutput = false;
  for await (const message of messages) {
    const started = attemptOf(message);
    if (started > attempt) {
      attempt = started;
      decoders = newDecoders();
      if (hasOutput) yield { ...empty, attempt, isRestart: true };
      hasOutput = false;
    }
    if (message.type !== "execution_output" || message.data.attempt < attempt) continue;
    const { data } = message;
    const bytes = "text" in data ? encoder.encode(data.text) : fromBase64(data.bytes_base64);
    const text = decoders[data.stream].decode(bytes, { stream: true });
    hasOutput = true;
    yield { stream: data.stream, text, bytes, attempt, isRestart: false };
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const text = decoders[stream].decode();
    if (text !== "") yield { ...empty, stream, text, attempt, isRestart: false };
  }
}

function newDecoders() {
  const decoder = () => new TextDecoder("utf-8", { ignoreBOM: true });
  return { stdout: decoder(), stderr: decoder() };
}

/** The attempt that a message belongs to, or 0. */
function attemptOf(message: ServerMessage): number {
  if (message.type === "execution_update") return message.data.attempts;
  return message.type === "execution_output" ? message.data.attempt : 0;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
}
