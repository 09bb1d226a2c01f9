// Runs a program from Node.js and answers its questions from the keyboard: node node.mjs program.py

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { Coderun, CoderunError } from "@coderun/client";

const client = new Coderun({
  baseUrl: process.env.CODERUN_URL ?? "http://127.0.0.1:8001",
  getToken: () => process.env.CODERUN_TOKEN,
});

let keyboard;
try {
  const code = await readFile(process.argv[2], "utf8");
  const execution = await client.execute({ language: "python", code, interactive: true });
  keyboard = createInterface({ input: process.stdin });
  keyboard.on("line", (line) => execution.send(`${line}\n`));
  process.stdin.once("end", () => execution.closeInput());
  process.once("SIGINT", () => execution.cancel());
  for await (const { stream, bytes } of execution.output) process[stream].write(bytes);
  const { verdict, exit_code, hint } = await execution.result();
  if (verdict !== "accepted") console.error(`[${verdict}] ${hint ?? ""}`);
  process.exitCode = exit_code ?? 1;
} catch (error) {
  if (!(error instanceof CoderunError)) throw error;
  console.error(error.message, error.problem?.errors ?? "");
  process.exitCode = 1;
} finally {
  keyboard?.close();
}
