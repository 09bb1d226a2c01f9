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
  /** The folder with its state. */
  folder: string;
  /** What the binary prints for this command. */
  print(...command: string[]): Promise<string>;
  /** Lets it end. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** A service on a free port with these settings, by default with its state in memory and a folder of its own. */
export async function startService(settings: Record<string, string> = {}): Promise<Service> {
  const binary = process.env["CODERUN_BINARY"];
  if (!binary) throw new Error("CODERUN_BINARY must be the path of the service's binary");
  const own = await mkdtemp(join(tmpdir(), "coderun-client-"));
  const folder = settings["STATE_DIR"] ?? own;
  const { PATH, HOME } = process.env;
  const defaults = { PORT: "0", ADMIN_ADDR: "off", LOG_FORMAT: "json", LANGUAGE_CHECK_SECONDS: "0" };
  const env = { PATH, HOME, STATE_DIR: folder };
  const child = spawn(binary, { env: { ...defaults, ...settings, ...env }, stdio: ["ignore", "inherit", "pipe"] });
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
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
      await ended;
      clearTimeout(late);
    }
    await rm(own, { recursive: true, force: true });
  };
  return {
    url: `http://${address}`,
    folder,
    print: async (...command) => (await promisify(execFile)(binary, command, { env })).stdout,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}
