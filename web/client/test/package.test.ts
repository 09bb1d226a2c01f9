// The packed client in a project of its own: from JavaScript, from strict TypeScript, and the example for Node.js.

import assert from "node:assert/strict";
import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { block, FRONT_PAGE } from "./documents.js";
import { installed, PACKAGE, run } from "./installed.js";
import { type Service, startService } from "./service.js";

const TSC = join(PACKAGE, "node_modules/typescript/bin/tsc");
const STRICT = "--strict --noEmit --exactOptionalPropertyTypes --noUncheckedIndexedAccess --target es2022".split(" ");
let service: Service;
let project: Awaited<ReturnType<typeof installed>>;
let env: NodeJS.ProcessEnv;

before(async () => {
  service = await startService();
  project = await installed();
  const token = (await service.print("token", "--uid", "alice")).trim();
  env = { CODERUN_URL: service.url, CODERUN_TOKEN: token };
});

after(async () => {
  await project?.remove();
  await service?.stop();
});

/** Runs a script with the WebSocket that Node.js has from version 22 on. */
function node(args: string[], input = ""): Promise<string> {
  return run(project.folder, [process.execPath, "--experimental-websocket", "--no-warnings", ...args], { env, input });
}

test("the package brings itself alone, without sources and tests", async () => {
  assert.deepEqual((await readdir(join(project.folder, "node_modules"))).filter((name) => !name.startsWith(".")), ["@coderun"]);
  const files = await readdir(join(project.folder, "node_modules/@coderun/client"), { recursive: true });
  const unexpected = files.filter((name) => name.includes(".") && !/^(build\/src\/.*\.(d\.ts|js)|package\.json|README\.md)$/.test(name));
  assert.deepEqual(unexpected, []);
});

test("the README's program runs from JavaScript", async () => {
  const script = await block(FRONT_PAGE, "js");
  const runnable = `const token = process.env.CODERUN_TOKEN;\n${script.replaceAll("http://127.0.0.1:8001", service.url)}`;
  await writeFile(join(project.folder, "readme.mjs"), runnable);
  assert.equal(await node(["readme.mjs"]), "accepted Hello World\n\n");
});

test("CommonJS can require it", async () => {
  await writeFile(join(project.folder, "required.cjs"), 'console.log(typeof require("@coderun/client").Coderun);');
  assert.equal(await node(["required.cjs"]), "function\n");
});

test("a server can load the modules that pages use", async () => {
  const script = 'import { Console } from "@coderun/client/console"; import { defineSnippet } from "@coderun/client/embed";';
  await writeFile(join(project.folder, "rendered.mjs"), `${script} console.log(typeof Console, typeof defineSnippet);`);
  assert.equal(await node(["rendered.mjs"]), "function function\n");
});

test("the example for Node.js talks to a program", async () => {
  await copyFile(join(PACKAGE, "examples/node.mjs"), join(project.folder, "node.mjs"));
  await writeFile(join(project.folder, "program.py"), "name = input('Your name? ')\nprint(f'Hello {name}!')");
  assert.equal(await node(["node.mjs", "program.py"], "Ada\n"), "Your name? Hello Ada!\n");
});

test("the example of a fake passes its own tests", async () => {
  await copyFile(join(PACKAGE, "examples/fake.test.mjs"), join(project.folder, "fake.test.mjs"));
  const report = await node(["--test", "--test-reporter=tap", "fake.test.mjs"]);
  assert.match(report, /^# pass 3$/m);
});

const NODE_TYPES = ["--types", "node", "--typeRoots", join(PACKAGE, "node_modules/@types")];
const SETTINGS = {
  "for browsers with a bundler": ["--lib", "es2022,dom", "--module", "esnext", "--moduleResolution", "bundler"],
  "for browsers without one": ["--lib", "es2022,dom", "--module", "nodenext"],
  "for Node.js": ["--lib", "es2023", "--module", "nodenext", ...NODE_TYPES],
};
for (const [purpose, settings] of Object.entries(SETTINGS)) {
  test(`strict TypeScript accepts it ${purpose}`, async () => {
    const program = `
      import { Coderun, CoderunError, type ExecutionRecord, type ServerMessage } from "@coderun/client";
      import type { ExecutionState } from "@coderun/client/react";
      const client = new Coderun({ baseUrl: "http://127.0.0.1:8001", getToken: async () => "token" });
      export async function main(signal: AbortSignal): Promise<string> {
        const record: ExecutionRecord = await client.run({ language: "python", code: "print(1)" }, { signal });
        const watch = client.execution(record.execution_id).watch({ since: 0 });
        for await (const message of watch) {
          const each: ServerMessage = message;
          if (each.type === "awaiting_input") watch.send("42");
        }
        return record.output ?? "";
      }
      export const verdict = (error: unknown) => (error instanceof CoderunError ? error.problem?.errors?.[0]?.pointer : "");
      export const output = (state: ExecutionState): string => state.output;
      // @ts-expect-error a program has code
      void client.run({ language: "python" });
    `;
    await writeFile(join(project.folder, "strict.ts"), program);
    await run(project.folder, [process.execPath, TSC, ...STRICT, ...settings, "strict.ts"]);
  });
}
