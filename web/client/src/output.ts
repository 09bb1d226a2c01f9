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
  const reader = new OutputReader();
  for await (const message of messages) yield* reader.read(message);
  yield* reader.end();
}

/** Takes the pieces out of messages that come one by one. */
export class OutputReader {
  private readonly encoder = new TextEncoder();
  private decoders = newDecoders();
  private attempt = 0;
  private hasOutput = false;

  /** The pieces that a message brings: none, a restart, output, or both. */
  *read(message: ServerMessage): Generator<OutputPiece, void, void> {
    const started = attemptOf(message);
    if (started > this.attempt) {
      this.attempt = started;
      this.decoders = newDecoders();
      if (this.hasOutput) yield { ...this.piece("stdout", ""), isRestart: true };
      this.hasOutput = false;
    }
    if (message.type !== "execution_output" || message.data.attempt < this.attempt) return;
    const { data } = message;
    const bytes = "text" in data ? this.encoder.encode(data.text) : fromBase64(data.bytes_base64);
    const text = this.decoders[data.stream].decode(bytes, { stream: true });
    this.hasOutput = true;
    yield { ...this.piece(data.stream, text), bytes };
  }

  /** What is left of characters whose last bytes never came. */
  *end(): Generator<OutputPiece, void, void> {
    for (const stream of ["stdout", "stderr"] as const) {
      const text = this.decoders[stream].decode();
      if (text !== "") yield this.piece(stream, text);
    }
  }

  private piece(stream: OutputPiece["stream"], text: string): OutputPiece {
    return { stream, text, bytes: new Uint8Array(), attempt: this.attempt, isRestart: false };
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
