// What the example for Node.js does when a command fails, against a service that follows a script.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

import { PACKAGE } from "./installed.js";
import { ACCEPTED, DONE, final, output, problem, until } from "./messages.js";
import { scripted } from "./scripted.js";

test("the example for Node.js reports input and a stop that fail, and goes on", { timeout: 30_000 }, async (context) => {
  let end = () => {};
  const mayEnd = new Promise<void>((resolve) => (end = resolve));
  const service = await scripted([
    ACCEPTED,
    { frames: [output(1, "a\n")], mayEnd, end: "end" },
    problem(409, "It is too late to stop it"),
    { frames: [output(2, "b\n"), final(3)], end: "end" },
    { status: 200, body: { ...DONE.body, exit_code: 0 } },
  ]);
  context.after(service.stop);
  const example = join(PACKAGE, "examples/node.mjs");
  const env = { ...process.env, CODERUN_URL: service.baseUrl, CODERUN_TOKEN: "token" };
  // Without WebSockets, as Node.js 20 is.
  const child = spawn(process.execPath, ["--no-experimental-websocket", example, example], { env });
  context.after(() => child.kill("SIGKILL"));
  let [written, reported] = ["", ""];
  child.stdout.on("data", (bytes) => (written += bytes));
  child.stderr.on("data", (bytes) => (reported += bytes));
  child.stdin.end("Ada\n");
  await until(() => reported.split("needs a WebSocket").length === 3);
  child.kill("SIGINT");
  await until(() => reported.includes("too late"));
  end();
  assert.deepEqual(await once(child, "close"), [0, null], reported);
  assert.equal(written, "a\nb\n");
});
