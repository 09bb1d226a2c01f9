// The console in a page in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import type { Console, ConsoleOptions } from "../src/console.js";
import { hasText, launch, open, serve } from "./browser.js";
import { bundle } from "./bundle.js";
import { PACKAGE } from "./installed.js";

/** What the page of the tests has as globals. */
interface Globals {
  view: Console;
  options: ConsoleOptions;
  lines: string[];
  echoes: boolean;
}

const PAGE = `<!doctype html><html lang="en"><title>Console</title>
  <link rel="stylesheet" href="/page.css">
  <main><h1>Console</h1><textarea aria-label="Other"></textarea><div id="box"></div></main>
  <script type="module" src="/page.js"></script></html>`;
const SCRIPT = `
  import { Console, CONSOLE_CSS } from "/console.js";
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CONSOLE_CSS);
  document.adoptedStyleSheets = [sheet];
  Object.assign(globalThis, { lines: [], echoes: true });
  globalThis.options = {
    onLine: (line) => { lines.push(line); if (echoes) view.write("input", line + "\\n"); },
    onEnd: () => lines.push("<end>"),
    onInterrupt: () => lines.push("<interrupt>"),
    findLinks: (line) => Array.from(line.matchAll(/main\\.c:\\d+/g), ({ index, 0: text }) =>
      ({ start: index, end: index + text.length, label: "Go to " + text, follow: () => lines.push(text) })),
  };
  globalThis.view = new Console(document.querySelector("#box"), options);
`;
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'";
let browser: Browser;
let site: Awaited<ReturnType<typeof serve>>;

before(async () => {
  browser = await launch("http://127.0.0.1:8001");
  const pages = {
    "/page.html": PAGE,
    "/page.js": SCRIPT,
    "/page.css": ":root { color-scheme: light dark } body { background: Canvas } #box { height: 200px }",
    "/console.js": await bundle("build/src/console.js"),
  };
  site = await serve(PACKAGE, pages, { "content-security-policy": CSP });
});

after(async () => {
  site?.stop();
  await browser?.close();
});

/** A page with an empty console under a strict content security policy. */
async function openConsole(): Promise<{ page: Page; errors: string[] }> {
  return open(browser, `${site.url}/page.html`, "unused");
}

/** Calls the console in the page, and waits until it is drawn. */
async function call(page: Page, calls: (globals: Globals) => void): Promise<void> {
  await page.evaluate(`(${calls.toString()})(globalThis)`);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** Waits until a condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(20_000);
  while (!(await condition())) deadline.throwIfAborted();
}

function lines(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as Globals).lines);
}

test("output is shown in its order and its colours, under a strict content security policy", async () => {
  const { page, errors } = await openConsole();
  await call(page, ({ view }) => {
    view.write("stdout", "plain \x1b[38;2;1;2;3mcolour\x1b[0m\n");
    view.write("stderr", "wrong\n");
    view.write("stdout", "\n<b>end</b>");
  });
  const copied = await page.evaluate(() => {
    getSelection()?.selectAllChildren(document.querySelector("[role=log]") as Element);
    return String(getSelection());
  });
  assert.equal(copied, "plain colour\nwrong\n\n<b>end</b>");
  const colors = await page
    .locator(".log span")
    .evaluateAll((spans) => spans.map((span) => getComputedStyle(span).color));
  assert.deepEqual(colors, ["rgb(1, 2, 3)", "rgb(180, 35, 24)"]);
  await page.emulateMedia({ colorScheme: "dark" });
  assert.equal(await page.locator(".stderr").evaluate((span) => getComputedStyle(span).color), "rgb(255, 138, 128)");
  assert.deepEqual(errors, []);
});

test("an unfinished line is the label of the field, and belongs to the log at the end", async () => {
  const { page } = await openConsole();
  await call(page, ({ view }) => {
    view.setInput("open");
    view.write("stdout", "Hello\nYour name? ");
    view.setInput("waiting");
  });
  await hasText(page, "[role=log]", "Hello");
  const field = page.getByRole("textbox", { name: "Your name?" });
  assert.ok(await field.evaluate((element) => element === document.activeElement), "the field has the focus");
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await call(page, ({ view }) => view.write("stdout", "Bye"));
  await hasText(page, "[role=log]", "HelloYour name? Ada");
  await call(page, ({ view }) => view.setInput("closed"));
  await hasText(page, "[role=log]", "HelloYour name? AdaBye");
  assert.equal(await field.count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement?.className), "coderun-console");
  assert.deepEqual(await lines(page), ["Ada"]);
});

test("the focus stays where the user is", async () => {
  const { page } = await openConsole();
  await page.focus("textarea");
  await call(page, ({ view }) => {
    view.write("stdout", "? ");
    view.setInput("waiting");
  });
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "TEXTAREA");
  await page.click(".log", { position: { x: 100, y: 5 }, force: true }).catch(() => page.click(".coderun-console"));
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "INPUT");
});

test("the field keeps a line that was not sent, and recalls those that were", async () => {
  const { page } = await openConsole();
  await call(page, (globals) => {
    globals.view.setInput("waiting");
    globals.echoes = false;
  });
  const field = page.getByRole("textbox", { name: "Input" });
  await field.fill("one");
  await field.press("Enter");
  assert.equal(await field.inputValue(), "one");
  await call(page, (globals) => {
    globals.echoes = true;
  });
  await field.press("Enter");
  assert.equal(await field.inputValue(), "");
  await field.fill("two");
  await field.press("Enter");
  await field.fill("draft");
  const recalled: string[] = [];
  for (const key of ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"]) {
    await field.press(key);
    recalled.push(await field.inputValue());
  }
  assert.deepEqual(recalled, ["two", "one", "one", "two", "draft"]);
  assert.deepEqual(await lines(page), ["one", "one", "two"]);
});

test("pasting several lines sends each complete one", async () => {
  const { page } = await openConsole();
  await call(page, ({ view }) => view.setInput("waiting"));
  const field = page.getByRole("textbox", { name: "Input" });
  await field.fill("1");
  await field.evaluate((element) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "2\r\n3 4\n\n5");
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true, bubbles: true }));
  });
  assert.deepEqual(await lines(page), ["12", "3 4", ""]);
  assert.equal(await field.inputValue(), "5");
});

test("Ctrl+D ends the input in an empty field, and Ctrl+C interrupts where nothing is selected", async () => {
  const { page } = await openConsole();
  await call(page, ({ view }) => {
    view.write("stdout", "text\n");
    view.setInput("waiting");
  });
  const field = page.getByRole("textbox", { name: "Input" });
  await field.fill("x");
  await field.press("Control+d");
  assert.deepEqual(await lines(page), []);
  await field.fill("");
  await field.press("Control+d");
  await field.press("Control+c");
  assert.deepEqual(await lines(page), ["<end>", "<interrupt>"]);
  await page.locator(".line").first().dblclick();
  await page.keyboard.press("Control+c");
  assert.deepEqual(await lines(page), ["<end>", "<interrupt>"]);
  await page.getByRole("button", { name: "End input" }).click();
  assert.deepEqual(await lines(page), ["<end>", "<interrupt>", "<end>"]);
});

test("places in complete lines are links, for the mouse and for the keyboard", async () => {
  const { page } = await openConsole();
  await call(page, ({ view }) => view.write("stderr", "see \x1b[1mmain.c\x1b[0m:3 and main.c:14\n"));
  const link = page.getByRole("link", { name: "main.c:3" });
  await link.click();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await link.getAttribute("title"), "Go to main.c:3");
  assert.deepEqual(await lines(page), ["main.c:3", "main.c:14"]);
});

test("the console scrolls with the output, unless the reader has scrolled up", async () => {
  const { page } = await openConsole();
  const distance = () =>
    page
      .locator(".coderun-console")
      .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
  await call(page, ({ view }) => {
    for (let index = 0; index < 2_000; index += 1) view.write("stdout", `line ${index}\n`);
  });
  assert.ok((await distance()) < 2);
  await page.hover("#box");
  await page.mouse.wheel(0, -300);
  await until(async () => (await distance()) > 200);
  await call(page, ({ view }) => view.write("stdout", "more\n"));
  assert.ok((await distance()) > 200);
  await page.focus(".coderun-console");
  await page.keyboard.press("End");
  await until(async () => (await distance()) < 2);
  await call(page, ({ view }) => view.write("stdout", "and more\n"));
  assert.ok((await distance()) < 2);
});

test("5 MB in small pieces do not freeze the page, and show how much is left out", async (context) => {
  const { page } = await openConsole();
  const { longest, count } = await page.evaluate(async () => {
    const { view } = globalThis as unknown as Globals;
    let [longest, last, count] = [0, performance.now(), 0];
    for (let written = 0; written < 5_000_000;) {
      // Messages come in tasks of their own; here, as many as a fast connection brings between two frames.
      for (const end = written + 100_000; written < end; count += 1) {
        const piece = `\x1b[3${count % 8}mLine ${count}\x1b[0m of a long output\n`;
        view.write(count % 3 ? "stdout" : "stderr", piece);
        written += piece.length;
      }
      await new Promise(requestAnimationFrame);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    return { longest, count };
  });
  context.diagnostic(`the longest frame took ${Math.round(longest)} ms`);
  assert.ok(longest < 2_000, `${longest} ms`);
  await hasText(page, ".hidden-lines", `${(count - 4_999).toLocaleString("en")} earlier lines are not shown`);
  assert.equal(await page.locator(".line").count(), 4_999);
  assert.equal(await page.locator(".line").last().textContent(), `Line ${count - 1} of a long output`);
  await call(page, ({ view }) => view.clear());
  await hasText(page, "[role=log]", "");
  assert.ok(!(await page.locator(".hidden-lines").isVisible()));
});

test("a progress bar changes the label, and nothing in the log", async () => {
  const { page } = await openConsole();
  await call(page, ({ view }) => {
    view.setInput("open");
    view.write("stdout", "start\n10 %");
  });
  await call(page, ({ view }) => view.write("stdout", "\r\x1b[32m90 %"));
  await hasText(page, ".question", "90 %");
  await hasText(page, "[role=log]", "start");
});
