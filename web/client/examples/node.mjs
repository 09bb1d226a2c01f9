// Runs a program from Node.js and answers its questions from the keyboard: node node.mjs program.py

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { Coderun, CoderunError } from "@coderun/client";

const client = new Coderun({
  baseUrl: process.env.CODERUN_URL ?? "http://127.0.0.1:8001",
  getToken: () => process.env.CODERUN_TOKEN,
});

/** Does what was asked for at the keyboard, and reports why it fails: the program goes on. */
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    console.error(error.message);
  }
}

let keyboard;
let closeInput;
try {
  const code = await readFile(process.argv[2], "utf8");
  const execution = await client.execute({ language: "python", code, interactive: true });
  keyboard = createInterface({ input: process.stdin });
  keyboard.on("line", (line) => attempt(() => execution.send(`${line}\n`)));
  closeInput = () => attempt(() => execution.closeInput());
  process.stdin.once("end", closeInput);
  process.once("SIGINT", () => attempt(() => execution.cancel()));
  for await (const { stream, bytes } of execution.output) process[stream].write(bytes);
  const { verdict, exit_code, hint } = await execution.result();
  if (verdict !== "accepted") console.error(`[${verdict}] ${hint ?? ""}`);
  process.exitCode = exit_code ?? 1;
} catch (error) {
  if (!(error instanceof CoderunError)) throw error;
  console.error(error.message, error.problem?.errors ?? "");
  process.exitCode = 1;
} finally {
  if (closeInput) process.stdin.off("end", closeInput);
  keyboard?.close();
}
