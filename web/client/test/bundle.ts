// Bundles a module as pages get it.

import { join } from "node:path";

import { build } from "vite";

import { PACKAGE } from "./installed.js";

/** The module of this path in the package as one minified script, with its exports. */
export async function bundle(path: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    resolve: { alias: [{ find: /^@coderun\/client\/(.*)$/, replacement: join(PACKAGE, "build/src/$1.js") }] },
    build: {
      write: false,
      modulePreload: false,
      target: "es2022",
      rollupOptions: { input: join(PACKAGE, path), preserveEntrySignatures: "strict" },
    },
  });
  if (!("output" in built)) throw new Error("the build must have one output");
  return built.output.map((file) => (file.type === "chunk" ? file.code : "")).join("");
}
