// Opens the page of a real service in Chromium.

import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";

import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

import { launch } from "../../client/test/browser";
import { type Service, startService } from "../../client/test/service";

/** Long enough for a compiler on a loaded machine. */
const DEADLINE_MS = 60_000;

/** A service and a browser for the tests of a file. */
export class Stage {
  private service: Service | undefined;
  private browser: Browser | undefined;

  constructor(settings: Record<string, string> = {}) {
    before(async () => {
      this.service = await startService(settings);
      this.browser = await launch(this.service.url);
    });
    after(async () => {
      await this.browser?.close();
      await this.service?.stop();
    });
  }

  get url(): string {
    assert.ok(this.service);
    return this.service.url;
  }

  /** A token of the development issuer, as the command line gives it. */
  async token(): Promise<string> {
    return (await this.service?.print("token"))?.trim() ?? "";
  }

  /** The page in a profile of its own. It must log no error, nor break its policy, by the end of the test. */
  async open(test: TestContext, path = "/", options: BrowserContextOptions = {}): Promise<Page> {
    assert.ok(this.browser);
    const context = await this.browser.newContext(options);
    test.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      // What the network refuses is logged by the browser, and told by the page.
      const isNetwork = message.text().startsWith("Failed to load resource") || /WebSocket connection|net::ERR/.test(message.text());
      if (message.type() === "error" && !isNetwork) errors.push(message.text());
    });
    test.after(() => assert.deepEqual(errors, []));
    await page.goto(this.url + path);
    return page;
  }
}

/** Replaces the code by another. */
export async function write(page: Page, code: string): Promise<void> {
  await editor(page).waitFor();
  await page.evaluate(() => document.fonts.ready);
  await editor(page).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(code);
}

export const editor = (page: Page): Locator => page.locator("#editor .cm-content");
export const console_ = (page: Page): Locator => page.getByRole("log");
const runButton = (page: Page): Locator => page.locator("#run");

/** Chooses a language. */
export const choose = (page: Page, language: string) => page.getByLabel("Language").selectOption(language);

export async function run(page: Page): Promise<void> {
  await runButton(page).click();
}

/** Types a line when the program asks. */
export async function answer(page: Page, line: string): Promise<void> {
  await page.getByText("Waiting for your input").waitFor();
  const field = page.locator(".coderun-console .field");
  await field.waitFor();
  await field.fill(line);
  await field.press("Enter");
}

/** Waits for a phase of the run. */
export const phase = (page: Page, name: string) => page.locator(`.state[data-phase="${name}"]`).waitFor();

/** Waits until the run has ended with this verdict. */
export async function verdict(page: Page, expected: string): Promise<void> {
  await phase(page, "ended");
  assert.equal(await page.locator(".state").getAttribute("data-verdict"), expected);
}
