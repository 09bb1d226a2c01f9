// Uses the page in the dark, on a phone, by keyboard, and as axe-core checks it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { choose, console_, run, Stage, verdict, write } from "./page";

const stage = new Stage();
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe-core finds wrong by WCAG 2.2 A and AA, and by its best practices. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const found = await axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe-core finds nothing wrong in the ${colorScheme} page, before and after runs and in dialogs`, async (context) => {
    const page = await stage.open(context, "/", { colorScheme, reducedMotion: "reduce" });
    await page.locator("#editor .cm-content").waitFor();
    assert.deepEqual(await violations(page), []);
    await run(page);
    await page.getByText("Waiting for your input").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "Stop" }).click();
    await verdict(page, "cancelled");
    await choose(page, "c");
    await write(page, "int main(void) { return x; }\n");
    await run(page);
    await verdict(page, "compile_error");
    await page.getByText("Details").click();
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "History" }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await violations(page), []);
  });
}

test("the page follows the system's colours until the user chooses", async (context) => {
  const page = await stage.open(context, "/", { colorScheme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.getByRole("button", { name: "Light or dark" }).click();
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), light);
});

test("a page of 320 pixels has everything and scrolls only down", async (context) => {
  const phone = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };
  const page = await stage.open(context, "/", { ...phone, reducedMotion: "reduce" });
  await run(page);
  await page.getByText("Waiting for your input").waitFor();
  await page.locator(".coderun-console .field").fill("Ada");
  await page.locator(".coderun-console .field").press("Enter");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 320, String(width));
  for (const name of ["Stop", "Share", "History", "Light or dark", "Add a file"]) {
    const box = await page.getByRole("button", { name }).boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320, name);
  }
  await page.getByRole("button", { name: "Stop" }).click();
  await verdict(page, "cancelled");
  assert.deepEqual(await violations(page), []);
});

test("everything works by keyboard", async (context) => {
  const page = await stage.open(context);
  await page.locator("#editor .cm-content").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText("print('Hi ' + input('? '))");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Waiting for your input").waitFor();
  await page.waitForFunction(() => document.activeElement?.matches(".coderun-console .field"));
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await verdict(page, "accepted");
  await console_(page).getByText("Hi Ada").waitFor();

  // Every control is reached by Tab, and shows that it has the focus.
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const reached = new Set<string>();
  for (let count = 0; count < 40; count += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.closest("#editor") !== null)) await page.keyboard.press("Escape");
    const name = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused?.getAttribute("aria-label") ?? focused?.textContent?.trim() ?? "";
    });
    reached.add(name);
  }
  for (const name of ["Language", "Run", "Share", "History", "Light or dark", "Add a file"]) {
    assert.ok([...reached].some((it) => it.startsWith(name)), `${name} among ${[...reached]}`);
  }
});

test("a screen reader is told of the states", async (context) => {
  const page = await stage.open(context);
  const states = page.locator("[role=status] , .state [role=status]");
  assert.ok((await states.count()) > 0);
  await write(page, "print('x')");
  await run(page);
  await verdict(page, "accepted");
  assert.equal(await page.locator(".state [role=status]").innerText(), "Finished");
});
