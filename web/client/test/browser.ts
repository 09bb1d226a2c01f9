// Drives Debian's Chromium, and serves pages to it.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
/** No sandbox, because root runs the tests of some machines; no requests of the browser's own. */
const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const DEADLINE_MS = 20_000;

/** A browser in which the default address of the service is the service at this URL. */
export function launch(serviceUrl: string): Promise<Browser> {
  const { host } = new URL(serviceUrl);
  const args = [...FLAGS.split(" "), `--host-resolver-rules=MAP 127.0.0.1:8001 ${host}`];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** A page in a profile of its own, in which this token was pasted, and what went wrong in it. */
export async function open(browser: Browser | BrowserContext, url: string, token: string): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    const isIcon = message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !isIcon) errors.push(message.text());
  });
  await page.addInitScript((token) => localStorage.setItem("token", token), token);
  await page.goto(url);
  return { page, errors };
}

/** Waits until an element's text is this; fails with the text that it has. */
export async function hasText(page: Page, selector: string, expected: string): Promise<void> {
  const element = page.locator(selector);
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  for (let text = ""; text !== expected; ) {
    if (deadline.aborted) throw new Error(`${selector} is ${JSON.stringify(text)}, not ${JSON.stringify(expected)}`);
    text = (await element.textContent()) ?? "";
    if (text !== expected) await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Serves these pages, and the files of a folder, on an origin of its own, with these headers. */
export async function serve(folder: string, pages: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "", "http://page").pathname);
    const content = pages[path] ?? (await readFile(join(folder, path)).catch(() => undefined));
    const type = TYPES[extname(path)] ?? "text/plain";
    response.writeHead(content === undefined ? 404 : 200, { "content-type": type, ...headers });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
