// Builds the page of the editor's tests, and opens it in Chromium under the policy of the real page.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize, resolve } from "node:path";
import { after, before, type TestContext } from "node:test";

import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { build } from "vite";

import type { EditorPage } from "./editor-page";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'";
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const HTML =
  '<!doctype html><html lang="en"><head><title>Editor</title><meta name="viewport" content="width=device-width">' +
  '<script type="module" src="./editor-page.tsx"></script></head><body><div id="app"></div></body></html>';
const CHROMIUM = "/usr/bin/chromium";
/** No sandbox, because root runs the tests of some machines; no requests of the browser's own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"];
const DEADLINE_MS = 20_000;

/** A page with an editor, and what it logged. */
export interface Opened {
  readonly page: Page;
  /** The text that is edited. */
  readonly content: Locator;
  /** Calls a function of the page. */
  call<Name extends keyof EditorPage>(
    name: Name,
    ...args: Parameters<EditorPage[Name]>
  ): Promise<ReturnType<EditorPage[Name]>>;
}

export class EditorStage {
  private folder = "";
  private server: Server | undefined;
  private browser: Browser | undefined;
  /** While it is set, scripts that start with this name are not found. */
  missing: string | undefined;
  /** Scripts that start with this name wait for the promise. */
  held: { name: string; until: Promise<void> } | undefined;

  constructor() {
    before(async () => {
      this.folder = await mkdtemp(join(tmpdir(), "coderun-editor-"));
      await buildPage(this.folder);
      this.server = createServer((request, response) => {
        void this.answer(request.url ?? "/").then(({ status, type, content }) => {
          response.writeHead(status, { "content-type": type, "content-security-policy": POLICY });
          response.end(content);
        });
      });
      await new Promise<void>((listening) => this.server?.listen(0, "127.0.0.1", listening));
      this.browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    });
    after(async () => {
      await this.browser?.close();
      this.server?.closeAllConnections();
      this.server?.close();
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  /** Opens the page in a profile of its own. It must log no error, nor break its policy, by the end of the test. */
  async open(test: TestContext, options: { isPlain?: boolean; colorScheme?: "light" | "dark" } = {}): Promise<Opened> {
    assert.ok(this.browser);
    const context = await this.browser.newContext({ colorScheme: options.colorScheme ?? "light" });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      const isNetwork = message.text().startsWith("Failed to load resource");
      if (["error", "warning"].includes(message.type()) && !isNetwork) errors.push(message.text());
    });
    test.after(async () => {
      await context.close();
      assert.deepEqual(errors, []);
    });
    await page.goto(this.url);
    const content = options.isPlain ? page.locator("textarea") : page.locator(".cm-content");
    await content.waitFor();
    const call: Opened["call"] = (name, ...args) =>
      page.evaluate(([name, args]) => (globalThis as any).editorPage[name](...args), [name, args] as const);
    return { page, content, call };
  }

  private async answer(url: string): Promise<{ status: number; type: string; content: string | Buffer }> {
    const path = normalize(new URL(url, "http://page").pathname).replace(/^\/$/, "/index.html");
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (this.held && name.startsWith(this.held.name)) await this.held.until;
    const isMissing = this.missing !== undefined && name.startsWith(this.missing);
    const content = isMissing ? undefined : await readFile(join(this.folder, "dist", path)).catch(() => undefined);
    return { status: content ? 200 : 404, type: TYPES[extname(path)] ?? "text/plain", content: content ?? "" };
  }
}

async function buildPage(folder: string): Promise<void> {
  const root = resolve("test");
  const html = join(folder, "index.html");
  await writeFile(html, HTML.replace("./editor-page.tsx", join(root, "editor-page.tsx")));
  await build({
    configFile: false,
    root: folder,
    base: "./",
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: join(folder, "dist"),
      target: "es2022",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rolldownOptions: { input: { index: html } },
    },
  });
}

/** Waits until a condition holds in the test's own process. */
export async function eventually(page: Page, condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!(await condition())) {
    if (deadline.aborted) throw new Error(`Not within ${DEADLINE_MS} ms: ${what}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}
