// Packs the client and installs it as its users do.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

/** The folder of the package. */
export const PACKAGE = resolve(import.meta.dirname, "../..");
const DEADLINE_MS = 60_000;

/** Runs a command in a folder, with this on its stdin: what it prints. It fails with what it complains about. */
export async function run(
  folder: string,
  command: string[],
  { input = "", env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [program = "", ...args] = command;
  // A test runner that finds this variable reports to the one above it.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const options = { cwd: folder, env: { ...inherited, ...env }, timeout: DEADLINE_MS };
  try {
    const running = promisify(execFile)(program, args, options);
    running.child.stdin?.end(input);
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout: string; stderr: string };
    throw new Error(`${message}\n${stdout}${stderr}`);
  }
}

/** A project with the packed client in it and nothing else, outside the package unless `parent` is inside. */
export async function installed(parent = tmpdir()): Promise<{ folder: string; remove: () => Promise<void> }> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "coderun-project-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
    const packed = await run(PACKAGE, ["npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder]);
    const [{ filename }] = JSON.parse(packed);
    await run(folder, ["npm", "install", "--offline", "--no-audit", "--no-fund", `./${filename}`]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}
