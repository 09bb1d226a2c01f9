import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SERVICE = process.env["CODERUN_URL"] ?? "http://127.0.0.1:8001";

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
    rolldownOptions: { input: { index: here("index.html"), docs: here("src/docs.ts") } },
  },
  // A page that is being written: `npm run dev`, beside a service.
  server: { proxy: { "/api": { target: SERVICE, ws: true }, "/docs": SERVICE } },
});
