// Bundles the tests, and the scripts beside them, for Node.js, with the modules that they use.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import page from "./vite.config.ts";

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
      // Also for the modules of the client's tests, which have packages of their own.
      external: ["axe-core", "playwright-core"],
      input: readdirSync(tests)
        .filter((name) => /(\.test|^measure|^screenshots)\.ts$/.test(name))
        .map((name) => tests + name),
    },
  },
});
