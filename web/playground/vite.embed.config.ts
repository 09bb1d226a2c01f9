// Builds `embed.js`, which pages of any origin load by this name: one file, beside those of the page.

import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import page from "./vite.config.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: page.resolve ?? {},
  publicDir: false,
  build: {
    outDir: here("../../crates/coderun-playground/dist"),
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: { input: { embed: here("src/embed.ts") }, output: { entryFileNames: "[name].js" } },
  },
});
