// The programs in the documents, for strict TypeScript.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { block, blocks, FRONT_PAGE, GUIDE, README } from "./documents.js";
import { installed, PACKAGE, run } from "./installed.js";

const TSC = join(PACKAGE, "node_modules/typescript/bin/tsc");
const OPTIONS = "--strict --noEmit --skipLibCheck --jsx react-jsx --module esnext --moduleResolution bundler --target es2022 --lib es2023,dom,dom.asynciterable";
/** What the examples of the documents leave to their readers. */
const GLOBALS = `
  declare const client: import("@coderun/client").Coderun;
  declare const token: string;
  declare const code: string;
  declare function show(text: string): void;
  declare function clear(): void;
  interface ImportMeta { readonly env: Record<string, string> }
  declare module "@vitejs/plugin-react" { export default function react(): [] }
  declare module "firebase/app" { export function initializeApp(options: object): object }
  declare module "firebase/auth" {
    type User = { getIdToken(forceRefresh: boolean): Promise<string> };
    export function getAuth(app: object): { currentUser: User | null; authStateReady(): Promise<void> };
  }
`;
let project: Awaited<ReturnType<typeof installed>>;

before(async () => {
  project = await installed(join(PACKAGE, "build/projects"));
  await writeFile(join(project.folder, "globals.d.ts"), GLOBALS);
});

after(() => project?.remove());

/** Compiles these files of the project. */
async function compile(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(project.folder, name), content);
  await run(project.folder, [process.execPath, TSC, ...OPTIONS.split(" "), "globals.d.ts", ...Object.keys(files)]);
}

test("the programs in the documents compile", async () => {
  const files: Record<string, string> = {};
  for (const document of [FRONT_PAGE, GUIDE, README]) {
    for (const { info, code } of await blocks(document)) {
      // The others are the types below, and JavaScript without types, which runs elsewhere.
      if (!/^(js|ts|ts vite|tsx|tsx page)$/.test(info)) continue;
      files[`block${Object.keys(files).length}.tsx`] = `${code}\nexport {};\n`;
    }
  }
  assert.ok(Object.keys(files).length >= 10);
  await compile(files);
});

test("the examples compile", async () => {
  const folder = join(PACKAGE, "examples");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".tsx"));
  const files = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")]));
  await compile(Object.fromEntries(files));
});

test("the README lists the types as they are", async () => {
  const listed = (await block(README, "ts api")) + (await block(README, "ts hook"));
  const names = Array.from(listed.matchAll(/^interface (\w+)/gm), ([, name]) => name);
  assert.equal(names.length, 9);
  await compile({
    "listed.ts": `
      import type { components, ExecutionList, ExecutionRecord, Problem, ServerMessage, Submission, Watch, WebSocketConstructor } from "@coderun/client";
      type WatchedRecord = components["schemas"]["WatchedRecord"];
      ${listed}
      export type { ${names.join(", ")} };
    `,
    "compared.ts": `
      import type * as listed from "./listed.js";
      import type * as client from "@coderun/client";
      import type * as react from "@coderun/client/react";
      type Same<A, B> = [keyof A, B] extends [keyof B, A] ? ([keyof B, A] extends [keyof A, B] ? true : false) : false;
      type Has<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? (A extends B ? true : false) : false) : false;
      export const same: [
        Same<client.ConnectionOptions, listed.ConnectionOptions>,
        Same<client.SubmitOptions, listed.SubmitOptions>,
        Same<client.PageOptions, listed.PageOptions>,
        Same<client.OutputPiece, listed.OutputPiece>,
        Same<react.ExecutionState, listed.ExecutionState>,
        Same<react.ExecutionCommands, listed.ExecutionCommands>,
        Has<client.Coderun, listed.Coderun>,
        Has<client.Execution, listed.Execution>,
        Has<client.CoderunError, listed.CoderunError>,
      ] = [true, true, true, true, true, true, true, true, true];
    `,
  });
});
