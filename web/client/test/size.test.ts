// How much of a page the client takes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { build } from "vite";

const MAX_BYTES = 8_000;

test("the client, bundled and minified, is smaller than 8 kB when it is compressed", async (context) => {
  const rollupOptions = { input: join(import.meta.dirname, "../src/index.js"), preserveEntrySignatures: "strict" as const };
  const options = { write: false, modulePreload: false as const, target: "es2022", rollupOptions };
  const built = await build({ configFile: false, logLevel: "error", build: options });
  assert.ok("output" in built);
  const code = built.output.map((file) => (file.type === "chunk" ? file.code : "")).join("");
  assert.match(code, /export\s*\{/);
  const size = gzipSync(code, { level: 9 }).length;
  context.diagnostic(`${code.length} bytes, ${size} compressed`);
  assert.ok(size < MAX_BYTES, `${size} bytes`);
});
