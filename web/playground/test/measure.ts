// Measures the page: bytes to the first run, click to first output, time until it can be used on a slow processor.
// Run by `npm run measure`, with CODERUN_BINARY as the path of a release binary.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { Browser, Page } from "playwright-core";

import { launch } from "../../client/test/browser";
import { startService } from "../../client/test/service";

const RUNS = 30;
const SLOWED = 4;
const GREETING = "print('Hello, World!')";

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  return page;
}

/** The bytes that the network carries until the first run has ended, as the browser counts them. */
async function bytesToFirstRun(browser: Browser, url: string): Promise<Record<string, number>> {
  const page = await (await browser.newContext()).newPage();
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const paths = new Map<string, string>();
  const bytes: Record<string, number> = {};
  network.on("Network.responseReceived", ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId) ?? "?";
    bytes[path] = (bytes[path] ?? 0) + encodedDataLength;
  });
  await page.goto(url);
  await page.locator("#editor .cm-content").waitFor();
  await page.locator("#run:not([disabled])").click();
  await page.locator('.state[data-phase="running"]').waitFor();
  await page.context().close();
  return bytes;
}

/** The times from the click on Run to the first text in the console, in ms, measured in the page. */
async function clickToOutput(browser: Browser, url: string): Promise<number[]> {
  const page = await openPage(browser, url);
  await page.locator("#editor .cm-content").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(GREETING);
  const times: number[] = [];
  for (let count = 0; count <= RUNS; count += 1) {
    await page.locator("#run.primary:not([disabled])").waitFor();
    times.push(
      await page.evaluate(async () => {
        const log = document.querySelector("[role=log]") as HTMLElement;
        const shown = new Promise<number>((resolve) => {
          const observer = new MutationObserver(() => {
            if (!log.textContent?.includes("Hello")) return;
            observer.disconnect();
            resolve(performance.now());
          });
          observer.observe(log, { childList: true, subtree: true, characterData: true });
        });
        const clicked = performance.now();
        (document.querySelector("#run") as HTMLElement).click();
        // The text of the run before goes first.
        return (await shown) - clicked;
      }),
    );
    await page.locator('.state[data-phase="ended"]').waitFor();
  }
  await page.context().close();
  return times.slice(1);
}

async function barePython(): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < RUNS; count += 1) {
    const began = performance.now();
    await promisify(execFile)("/usr/bin/python3", ["-c", GREETING]);
    times.push(performance.now() - began);
  }
  return times;
}

/** When the page can be typed into and run, and when the editor is there, on a processor that is slowed. */
async function timeToInteractive(browser: Browser, url: string): Promise<{ run: number; editor: number }> {
  const page = await (await browser.newContext()).newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWED });
  await page.goto(url, { waitUntil: "commit" });
  await page.locator("#run:not([disabled])").waitFor();
  const run = await page.evaluate(() => performance.now());
  await page.locator("#editor .cm-content").waitFor();
  const editor = await page.evaluate(() => performance.now());
  await page.context().close();
  return { run, editor };
}

const service = await startService();
const browser = await launch(service.url);
try {
  const url = `${service.url}/`;
  await (await openPage(browser, url)).locator("#run:not([disabled])").waitFor({ timeout: 60_000 });
  const bytes = await bytesToFirstRun(browser, url);
  for (const [path, count] of Object.entries(bytes)) console.log(`${String(count).padStart(9)}  ${path}`);
  console.log(`${String(Object.values(bytes).reduce((sum, count) => sum + count, 0)).padStart(9)}  bytes until the first run`);
  const page = await clickToOutput(browser, url);
  const bare = await barePython();
  console.log(`click to first output: median ${median(page).toFixed(1)} ms of ${RUNS}; bare python3: ${median(bare).toFixed(1)} ms`);
  const times = [];
  for (let count = 0; count < 5; count += 1) times.push(await timeToInteractive(browser, url));
  console.log(`usable after ${median(times.map(({ run }) => run)).toFixed(0)} ms, the editor after ${median(times.map(({ editor }) => editor)).toFixed(0)} ms, on a processor slowed ${SLOWED} times (median of 5)`);
} finally {
  await browser.close();
  await service.stop();
}
