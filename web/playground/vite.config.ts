import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SERVICE = process.env["CODERUN_URL"] ?? "http://127.0.0.1:8001";

/** The package that a chunk was made for, which is its last module: the names of such modules say nothing. */
const packageOf = (moduleIds: string[]) => /node_modules\/(?:@[^/]+\/)?([^/]+)\/dist\//.exec(moduleIds.at(-1) ?? "")?.[1];

export default defineConfig({
  base: "./",
  resolve: {
    alias: [{ find: /^@coderun\/client(\/.*)?$/, replacement: here("../client/src") + "$1" }],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: here("../../crates/coderun-playground/dist"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: here("index.html"), docs: here("src/docs.ts") },
      output: { chunkFileNames: ({ name, moduleIds }) => `assets/${packageOf(moduleIds) ?? name}-[hash].js` },
    },
  },
  // A page that is being written: `npm run dev`, beside a service.
  server: { proxy: { "/api": { target: SERVICE, ws: true }, "/docs": SERVICE } },
});
