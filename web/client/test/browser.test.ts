// The examples, and the JavaScript of the replaced service, in Chromium against the real service.

import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";

import type { Browser } from "playwright-core";
import { createServer } from "vite";

import { Coderun } from "../src/index.js";
import { hasText, launch, open, serve } from "./browser.js";
import { block, GUIDE, README } from "./documents.js";
import { installed, PACKAGE } from "./installed.js";
import { type Service, startService } from "./service.js";

const EXAMPLES = join(PACKAGE, "examples");
const LOOP = "print('on', flush=True)\nwhile True: pass";
let service: Service;
let token: string;
let browser: Browser;

before(async () => {
  service = await startService();
  token = (await service.print("token", "--uid", "alice")).trim();
  browser = await launch(service.url);
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

test("a page without a bundler runs a program, types into it, and stops one", async (context) => {
  const { folder, remove } = await installed();
  context.after(remove);
  await copyFile(join(EXAMPLES, "page.html"), join(folder, "page.html"));
  const site = await serve(folder);
  context.after(site.stop);
  const { page, errors } = await open(browser, `${site.url}/page.html`, token);

  await page.click("text=Run");
  await hasText(page, "#output", "Your name? ");
  await page.fill("#line", "Ada");
  await page.press("#line", "Enter");
  await hasText(page, "#output", "Your name? Ada\nHello Ada!\n[accepted] ");

  await page.fill("#code", LOOP);
  await page.click("text=Run");
  await hasText(page, "#output", "on\n");
  await page.click("text=Stop");
  await hasText(page, "#output", "on\n[cancelled] ");
  assert.deepEqual(errors, []);
});

/** Serves a React page by Vite, which passes `/api` on as the guide says: its address. */
async function serveByVite(context: TestContext, files: Record<string, string>): Promise<string> {
  const { folder, remove } = await installed(join(PACKAGE, "build/projects"));
  context.after(remove);
  const config = (await block(GUIDE, "ts vite")).replace("http://127.0.0.1:8001", service.url);
  const html = '<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>';
  await mkdir(join(folder, "src"));
  const all = { "vite.config.ts": config, "index.html": html, ...files };
  for (const [name, content] of Object.entries(all)) await writeFile(join(folder, name), content);
  const vite = await createServer({ root: folder, logLevel: "error", server: { host: "127.0.0.1", port: 0 } });
  context.after(() => vite.close());
  await vite.listen();
  const [url] = vite.resolvedUrls?.local ?? [];
  assert.ok(url);
  return url;
}

test("a React page does the same with relative addresses behind Vite's proxy", async (context) => {
  const url = await serveByVite(context, { "src/main.tsx": await readFile(join(EXAMPLES, "react.tsx"), "utf8") });
  const { page, errors } = await open(browser, url, token);

  await page.click("text=Run");
  await hasText(page, "[role=log]", "Your name? ");
  await page.fill("input", "Ada");
  await page.press("input", "Enter");
  await hasText(page, "[role=log]", "Your name? Hello Ada!\n");
  await hasText(page, "main > p:last-child", "accepted ");

  await page.fill("textarea", LOOP);
  await page.click("text=Run");
  await hasText(page, "[role=log]", "on\n");
  await page.click("text=Stop");
  await hasText(page, "main > p:last-child", "cancelled ");
  assert.deepEqual(errors, []);
});

test("a component follows an execution that exists, and may come and go", async (context) => {
  const main = `
    import { Coderun } from "@coderun/client";
    import { useExecution } from "@coderun/client/react";
    import { StrictMode, useState } from "react";
    import { createRoot } from "react-dom/client";
    const client = new Coderun({ getToken: () => localStorage["token"] });
    function Follower() {
      const { status, output } = useExecution(client, location.hash.slice(1));
      return <pre>{status} {output}</pre>;
    }
    function Page() {
      const [isShown, show] = useState(true);
      return <main><button onClick={() => show(!isShown)}>Toggle</button>{isShown ? <Follower /> : <pre>hidden</pre>}</main>;
    }
    createRoot(document.getElementById("root")!).render(<StrictMode><Page /></StrictMode>);
  `;
  const url = await serveByVite(context, { "src/main.tsx": main });
  const client = new Coderun({ baseUrl: service.url, getToken: () => token });
  const code = "print('one', flush=True)\nprint(input())";
  const execution = await client.execute({ language: "python", code, interactive: true });
  const { page, errors } = await open(browser, `${url}#${execution.id}`, token);
  await hasText(page, "pre", "running one\n");
  await page.click("text=Toggle");
  await hasText(page, "pre", "hidden");
  await page.click("text=Toggle");
  await hasText(page, "pre", "running one\n");
  execution.send("two\n");
  await hasText(page, "pre", "completed one\ntwo\n");
  assert.deepEqual(errors, []);
});

test("the page of the client's README runs a program and types into it", async (context) => {
  const main = `
    import { createRoot } from "react-dom/client";
    import App from "./App.tsx";
    createRoot(document.getElementById("root")!).render(<App />);
  `;
  process.env["VITE_TOKEN"] = token;
  const url = await serveByVite(context, { "src/main.tsx": main, "src/App.tsx": await block(README, "tsx page") });
  const { page, errors } = await open(browser, url, "unused");

  await page.click("text=Run");
  await hasText(page, "pre", "Your name? ");
  await page.fill("input", "Ada");
  await page.press("input", "Enter");
  await hasText(page, "pre", "Your name? Hello Ada!\n");
  await hasText(page, "main > p:last-child", "completed");
  assert.deepEqual(errors, []);
});

test("the JavaScript of the replaced service runs unchanged from another origin", async (context) => {
  const script = await block(GUIDE, "js bare");
  const site = await serve(PACKAGE, { "/page.html": `<script type="module">const token = localStorage.token;\n${script}</script>` });
  context.after(site.stop);
  const printed: string[] = [];
  const page = await browser.newPage();
  await page.addInitScript((token) => localStorage.setItem("token", token), token);
  const ended = page.waitForEvent("console", { predicate: (message) => /^\d+$/.test(message.text()), timeout: 20_000 });
  page.on("console", (message) => printed.push(message.text()));
  await page.goto(`${site.url}/page.html`);
  await ended;
  assert.deepEqual(printed.slice(-2), ["completed Hello World\n", "1000"]);
});
