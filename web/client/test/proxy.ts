// Stands between a client and services, and cuts their connections.

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

const LIFE_MAX_MS = 200;

/** Forwards each connection to the next of these services, and cuts it after a time. */
export async function startProxy(urls: string[], lifetimeMs: () => number) {
  const open = new Set<Socket>();
  let connections = 0;
  let cuts = 0;
  const server = createServer((client) => {
    const { hostname, port } = new URL(urls[connections % urls.length] ?? "");
    connections += 1;
    const service = connect(Number(port), hostname);
    const end = () => {
      clearTimeout(timer);
      open.delete(client);
      client.destroy();
      service.destroy();
    };
    const timer = setTimeout(() => {
      cuts += 1;
      end();
    }, lifetimeMs());
    open.add(client);
    for (const socket of [client, service]) socket.on("error", end).on("close", end);
    client.pipe(service).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cuts: () => cuts, stop };
}

/** Lives of connections of up to 200 ms, which a seed determines: it is printed, and `CUTS_SEED` sets it. */
export function randomLife(context: TestContext): () => number {
  let state = Number(process.env["CUTS_SEED"] ?? Date.now() % 1_000_000);
  context.diagnostic(`CUTS_SEED=${state}`);
  // Numerical Recipes' linear congruential generator.
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (LIFE_MAX_MS * state) / 2 ** 32;
  };
}
