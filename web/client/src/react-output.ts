// Joins the pieces of a program's output to text.

import type { components } from "./index.js";

type Piece = components["schemas"]["ExecutionOutputMessage"]["data"];

/** What the last attempt has written so far. A character whose bytes are in two pieces is joined. */
export class OutputText {
  private attempt = 0;
  private decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  private stdout = "";
  private stderr = "";

  /** Forgets what an earlier attempt has written. */
  startAttempt(attempt: number): void {
    if (attempt <= this.attempt) return;
    this.attempt = attempt;
    this.decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    this.stdout = this.stderr = "";
  }

  add(piece: Piece): void {
    this.startAttempt(piece.attempt);
    if (piece.attempt < this.attempt) return;
    const decoder = this.decoders[piece.stream];
    this[piece.stream] +=
      "text" in piece
        ? decoder.decode() + piece.text
        : decoder.decode(bytes(piece.bytes_base64), { stream: true });
  }

  written(): { output: string; errorOutput: string } {
    return { output: this.stdout, errorOutput: this.stderr };
  }
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
