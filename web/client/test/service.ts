// Starts the real service for tests, and ends it with them.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const DEADLINE_MS = 60_000;

export interface Service {
  url: string;
  /** What the binary prints for this command. */
  print(...command: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** A service on a free port, with its state in memory and a folder of its own. */
export async function startService(): Promise<Service> {
  const binary = process.env["CODERUN_BINARY"];
  if (!binary) throw new Error("CODERUN_BINARY must be the path of the service's binary");
  const folder = await mkdtemp(join(tmpdir(), "coderun-client-"));
  const { PATH, HOME } = process.env;
  const settings = { PORT: "0", ADMIN_ADDR: "off", LOG_FORMAT: "json", LANGUAGE_CHECK_SECONDS: "0" };
  const env = { PATH, HOME, STATE_DIR: folder };
  const child = spawn(binary, { env: { ...env, ...settings }, stdio: ["ignore", "inherit", "pipe"] });
  const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  let address: string | undefined;
  for await (const line of createInterface({ input: child.stderr })) {
    const event = JSON.parse(line);
    if (event.message === "listening") {
      address = event.address;
      break;
    }
  }
  clearTimeout(late);
  child.stderr.resume();
  if (!address) throw new Error("the service did not start");
  return {
    url: `http://${address}`,
    print: async (...command) => (await promisify(execFile)(binary, command, { env })).stdout,
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
      await ended;
      clearTimeout(late);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
