// A program whose output is hard to put together again.

import assert from "node:assert/strict";

const LINES = 60;

/** Writes to both streams what is no UTF-8 as a whole, in pieces that divide characters, with a pause after each. */
export function noise(pauseSeconds: number) {
  const code = `
import sys, time
for number in range(${LINES}):
    for stream, piece in [(sys.stdout, b"%d \\xc3" % number), (sys.stderr, b"\\xff%d\\n" % number), (sys.stdout, b"\\xa9\\n")]:
        stream.buffer.write(piece)
        stream.flush()
        time.sleep(${pauseSeconds})
`;
  return { language: "python", code };
}

/** Checks the bytes that it has written. */
export function assertNoise(stdout: Uint8Array, stderr: Uint8Array): void {
  const lines = Array.from({ length: LINES }, (_, number) => number);
  assert.equal(Buffer.from(stdout).toString("utf8"), lines.map((number) => `${number} é\n`).join(""));
  assert.equal(Buffer.from(stderr).toString("latin1"), lines.map((number) => `\xff${number}\n`).join(""));
}
