// Tries operations on the page of the API.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./page";

const stage = new Stage();
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const EXECUTIONS = "/api/v1/executions";

/** The section of an operation. */
const operation = (page: Page, method: string, path: string) =>
  page.locator(`section.operation[data-method="${method}"][data-path="${path}"]`);

async function attempt(page: Page, method: string, path: string) {
  const section = operation(page, method, path);
  await section.getByRole("button", { name: "Try" }).click();
  return section;
}

test("one click submits the example, and its id is filled into the other operations", async (context) => {
  const page = await stage.open(context, "/docs");
  const submission = await attempt(page, "POST", `${EXECUTIONS}/execute`);
  await submission.getByText(/^200 OK · \d+ ms/).waitFor();
  const { execution_id } = JSON.parse(await submission.locator(".answer").innerText());

  const status = await attempt(page, "GET", `${EXECUTIONS}/status/{id}`);
  await status.getByText(/^200 OK/).waitFor();
  assert.equal(JSON.parse(await status.locator(".answer").innerText()).execution_id, execution_id);
  const events = await attempt(page, "GET", `${EXECUTIONS}/events/{id}`);
  await events.locator(".answer").getByText("Hello World").waitFor();
});

test("a deletion waits for a second click", async (context) => {
  const page = await stage.open(context, "/docs");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.method()));
  const section = await attempt(page, "DELETE", EXECUTIONS);
  const send = section.getByRole("button", { name: "Send DELETE" });
  await send.waitFor();
  assert.ok(!sent.includes("DELETE"));
  await send.click();
  await section.getByText(/^204 No Content/).waitFor();
});

test("a mistake in a body is answered with what is wrong", async (context) => {
  const page = await stage.open(context, "/docs");
  const section = await attempt(page, "POST", `${EXECUTIONS}/execute`);
  await section.getByText(/^200 OK/).waitFor();
  await section.getByLabel("Body").fill('{"language": "python"}');
  await section.getByRole("button", { name: "Send POST" }).click();
  await section.getByRole("status").getByText(/^422/).waitFor();
  assert.match(await section.locator(".answer").innerText(), /"pointer": "\/code"/);
});

test("command lines are copied, and a WebSocket has nothing to try", async (context) => {
  const page = await stage.open(context, "/docs", { permissions: ["clipboard-read", "clipboard-write"] });
  const section = operation(page, "POST", `${EXECUTIONS}/execute`);
  await section.getByRole("button", { name: "Copy" }).click();
  await section.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const address = `curl ${new URL(page.url()).origin}${EXECUTIONS}/execute `;
  assert.equal(copied.slice(0, address.length), address);
  assert.equal(await operation(page, "GET", `${EXECUTIONS}/ws/{id}`).getByRole("button").count(), 0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe-core finds nothing wrong in the ${colorScheme} page, and it fits a phone`, async (context) => {
    const page = await stage.open(context, "/docs", { viewport: { width: 320, height: 640 }, colorScheme });
    const section = await attempt(page, "POST", `${EXECUTIONS}/execute`);
    await section.getByText(/^200 OK/).waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await page.evaluate(await readFile(AXE, "utf8"));
    const broken = await page.evaluate(() => (globalThis as any).axe.run().then((found: any) => found.violations));
    assert.deepEqual(broken, []);
  });
}
