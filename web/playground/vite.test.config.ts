// Bundles the tests for Node.js, with the modules that they test.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import page from "./vite.config";

const tests = fileURLToPath(new URL("test/", import.meta.url));

export default defineConfig({
  resolve: page.resolve ?? {},
  publicDir: false,
  build: {
    ssr: true,
    outDir: "build",
    emptyOutDir: true,
    target: "node20",
    minify: false,
    rolldownOptions: {
      input: readdirSync(tests)
        .filter((name) => name.endsWith(".test.ts"))
        .map((name) => tests + name),
    },
  },
});
