// Edits programs in Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EditorStage } from "./editor-stage";

const stage = new EditorStage();

test("the editor takes what is typed", async (context) => {
  const { page, content, call } = await stage.open(context);
  await content.focus();
  await page.keyboard.type("print(1)");
  assert.equal(await call("content"), "print(1)");
});
