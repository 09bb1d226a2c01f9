// Edits programs in Chromium before the editor has loaded, and after.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Locator } from "playwright-core";

import { EditorStage, eventually } from "./editor-stage";

const stage = new EditorStage();

/** Lets scripts of this name wait until the function is called. */
function hold(name: string): () => void {
  let release = () => {};
  stage.held = { name, until: new Promise((resolve) => (release = resolve)) };
  return () => {
    stage.held = undefined;
    release();
  };
}

test("text, selection and focus of the plain field pass on to the editor", async (context) => {
  const release = hold("editor-");
  context.after(release);
  const { page, content, call } = await stage.open(context, { isPlain: true });
  await content.focus();
  await page.keyboard.type("one = 12\ntwo");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("End");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Control+Enter");
  assert.equal(await call("runs"), 1);
  assert.equal(await call("content"), "one = 12\ntwo");
  release();
  await page.locator(".cm-content").waitFor();
  assert.equal(await content.count(), 0);
  await page.keyboard.type("3");
  assert.equal(await call("content"), "one = 13\ntwo");
  assert.equal(await call("hasHandle"), true);
});

test("nothing moves when the editor comes", async (context) => {
  const release = hold("editor-");
  context.after(release);
  const { page, content, call } = await stage.open(context, { isPlain: true });
  await call("open", "main.py", "one\n".repeat(200));
  const before = await textStart(content);
  release();
  const line = page.locator(".cm-line").first();
  await line.waitFor();
  const after = await textStart(line);
  assert.ok(Math.abs(before.x - after.x) < 1, `${before.x} and ${after.x}`);
  assert.ok(Math.abs(before.y - after.y) < 1, `${before.y} and ${after.y}`);
  assert.equal(before.font, after.font);
});

test("the plain field reveals places, too, and shows other files", async (context) => {
  const release = hold("editor-");
  context.after(release);
  const { page, content, call } = await stage.open(context, { isPlain: true });
  await call("open", "main.py", "one\r\ntwo\r\nthree\r\n");
  await call("reveal", 2, 3);
  await page.keyboard.type("-");
  assert.equal(await call("content"), "one\r\ntw-o\r\nthree\r\n");
  await call("open", "other.py", "other");
  await eventually(page, async () => (await content.inputValue()) === "other", "the other file");
  await page.locator("textarea").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("!");
  assert.equal(await call("content"), "other!");
  assert.equal(await call("content", "main.py"), "one\r\ntw-o\r\nthree\r\n");
});

test("the plain field stays if the editor cannot be loaded", async (context) => {
  stage.missing = "editor-";
  context.after(() => (stage.missing = undefined));
  const { page, content, call } = await stage.open(context, { isPlain: true });
  await content.focus();
  await page.keyboard.type("print(1)");
  await page.keyboard.press("Control+Enter");
  assert.equal(await call("content"), "print(1)");
  assert.equal(await call("runs"), 1);
});

for (const [what, text] of [
  ["many lines", "value = compute(1, 'two')  # three\n".repeat(30_000)],
  ["one line", "value = 1; ".repeat(95_000)],
] as const) {
  test(`a megabyte in ${what} can be edited`, async (context) => {
    const { page, content, call } = await stage.open(context);
    await call("open", "main.py", text);
    await content.focus();
    await page.keyboard.press("Control+End");
    const began = performance.now();
    await page.keyboard.type("value = 2");
    const elapsedMs = performance.now() - began;
    assert.equal((await call("content"))?.length, text.length + 9);
    // Ten times of what it takes on an idle machine.
    assert.ok(elapsedMs < 9 * 500, `nine keys took ${Math.round(elapsedMs)} ms`);
  });
}

/** Where the first character of an element is, and how it looks. */
function textStart(element: Locator): Promise<{ x: number; y: number; font: string }> {
  return element.evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    const { paddingLeft, paddingTop, fontSize, lineHeight, fontFamily } = getComputedStyle(element);
    const y = top + parseFloat(paddingTop);
    return { x: left + parseFloat(paddingLeft), y, font: `${fontSize} ${lineHeight} ${fontFamily}` };
  });
}
