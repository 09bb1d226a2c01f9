// The client in Chromium against the real service, over connections that are cut all the time.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, open, serve } from "./browser.js";
import { PACKAGE } from "./installed.js";
import { assertNoise, noise } from "./noise.js";
import { randomLife, startProxy } from "./proxy.js";
import { startService } from "./service.js";

const CUTS = 30;
const DEADLINE_MS = 60_000;

/** Runs a program in the page, over a socket and where none opens: the bytes that it has written, for each way. */
async function runInPage({ baseUrl, token, program }: { baseUrl: string; token: string; program: object }) {
  class NoWebSocket {
    constructor() {
      throw new Error("stopped by a proxy");
    }
  }
  const module = "/build/src/index.js";
  const { Coderun } = await import(module);
  const running = [{}, { WebSocket: NoWebSocket }].map(async (options) => {
    const client = new Coderun({ baseUrl, getToken: () => token, ...options });
    const written: Record<string, number[]> = { stdout: [], stderr: [] };
    for await (const { stream, bytes, isRestart } of (await client.execute(program)).output) {
      if (isRestart) throw new Error("the program has started anew");
      written[stream]?.push(...bytes);
    }
    return written;
  });
  return Promise.all(running);
}

test("cuts change no byte in Chromium", { timeout: DEADLINE_MS + 30_000 }, async (context) => {
  const service = await startService();
  context.after(service.stop);
  const token = (await service.print("token", "--uid", "alice")).trim();
  const proxy = await startProxy([service.url], randomLife(context));
  context.after(proxy.stop);
  const site = await serve(PACKAGE, { "/page.html": "<!doctype html>" });
  context.after(site.stop);
  const browser = await launch(service.url);
  context.after(() => browser.close());
  const { page } = await open(browser, `${site.url}/page.html`, token);
  const deadline = performance.now() + DEADLINE_MS;
  while (proxy.cuts() < CUTS) {
    assert.ok(performance.now() < deadline, `${proxy.cuts()} cuts`);
    const outputs = await page.evaluate(runInPage, { baseUrl: proxy.url, token, program: noise(0.01) });
    assert.equal(outputs.length, 2);
    for (const { stdout = [], stderr = [] } of outputs) assertNoise(Uint8Array.from(stdout), Uint8Array.from(stderr));
  }
});
