// Measures how much of a page the client takes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { bundle } from "./bundle.js";

const PARTS = [
  { name: "the client", path: "build/src/index.js", max: 8_000 },
  { name: "the console", path: "build/src/console.js", max: 8_000 },
  { name: "embed.js, with both", path: "../playground/src/embed.ts", max: 19_000 },
];

for (const { name, path, max } of PARTS) {
  test(`${name}, bundled and minified, is smaller than ${max / 1000} kB when it is compressed`, async (context) => {
    const code = await bundle(path);
    const size = gzipSync(code, { level: 9 }).length;
    context.diagnostic(`${code.length} bytes, ${size} compressed`);
    assert.ok(size < max, `${size} bytes`);
    assert.ok(code.length > 10_000, "little of it is in the bundle");
  });
}
