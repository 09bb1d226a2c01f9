// Starts the Auth emulator and the service, and ends them with the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const PROJECT = "demo-coderun";
const DEADLINE_MS = 120_000;

/** The emulator of this project on a free port: `{ host, stop }`. */
export async function startEmulator() {
  const [port, hub, logging] = await Promise.all([freePort(), freePort(), freePort()]);
  const folder = await mkdtemp(join(tmpdir(), "coderun-firebase-"));
  const config = join(folder, "firebase.json");
  const at = (port) => ({ host: "127.0.0.1", port });
  const emulators = { auth: at(port), hub: at(hub), logging: at(logging), ui: { enabled: false } };
  await writeFile(config, JSON.stringify({ emulators }));
  const firebase = fileURLToPath(new URL("node_modules/firebase-tools/lib/bin/firebase.js", import.meta.url));
  const words = ["emulators:start", "--only", "auth", "--project", PROJECT, "--config", config];
  const child = spawn(process.execPath, [firebase, ...words], {
    cwd: folder,
    // It would like to ask for updates and to remember who has logged in.
    env: { PATH: process.env.PATH, HOME: folder, CI: "true", NO_UPDATE_NOTIFIER: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await untilLine(child.stdout, (line) => line.includes("All emulators ready"));
  const stop = async () => {
    await end(child, "SIGINT");
    await rm(folder, { recursive: true, force: true });
  };
  return { host: `127.0.0.1:${port}`, stop };
}

/** The service with these variables on a free port: `{ url, log, stop }`. */
export async function startService(variables) {
  const binary = process.env.CODERUN_BINARY;
  if (!binary) throw new Error("CODERUN_BINARY must be the path of the service's binary");
  const child = spawn(binary, [], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", LOG_FORMAT: "json", ...variables },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const log = [];
  const line = await untilLine(child.stderr, (line) => {
    log.push(line);
    return line.includes('"listening"');
  });
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  return { url: `http://${JSON.parse(line).address}`, log, stop: () => end(child, "SIGTERM") };
}

async function untilLine(stream, isIt) {
  const lines = createInterface({ input: stream });
  const late = setTimeout(() => lines.close(), DEADLINE_MS);
  try {
    for await (const line of lines) if (isIt(line)) return line;
  } finally {
    clearTimeout(late);
    stream.resume();
  }
  throw new Error("a process that was started did not come up");
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS / 4);
  await ended;
  clearTimeout(late);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
