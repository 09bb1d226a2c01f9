// Keeps drafts, programs and the running execution, also where the browser refuses to store.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Storage } from "../src/model/storage";
import { MemoryStorage, noise, PROGRAM, programOf } from "./programs";

/** A browser with tabs: they share one storage, and have one each. */
class FakeBrowser {
  readonly page = new EventTarget();

  constructor(
    readonly local = new MemoryStorage(),
    readonly tab = new MemoryStorage(),
  ) {}

  /** What the page has after it is loaded. */
  load(): Storage {
    const { local, tab, page } = this;
    return new Storage({ local: () => local, tab: () => tab, page, draftDelayMs: 1 });
  }

  leave(): void {
    this.page.dispatchEvent(new Event("pagehide"));
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a draft is restored after a reload, with all that it has", () => {
  const browser = new FakeBrowser();
  browser.load().keep(PROGRAM);
  browser.leave();
  assert.deepEqual(browser.load().draft(), PROGRAM);
});

test("a draft is stored without leaving the page, once nothing changes for a moment", async () => {
  const browser = new FakeBrowser();
  const storage = browser.load();
  for (const content of ["a", "ab", "abc"]) storage.keep(programOf(content));
  assert.equal(browser.load().draft(), undefined);
  while (!browser.load().draft()) await pause(1);
  assert.deepEqual(browser.load().draft(), programOf("abc"));
});

test("a hidden page stores its draft, too", () => {
  const browser = new FakeBrowser();
  browser.load().keep(PROGRAM);
  browser.page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(browser.load().draft(), PROGRAM);
});

test("each tab has its own draft, and a new tab begins with the last one", () => {
  const first = new FakeBrowser();
  const second = new FakeBrowser(first.local);
  first.load().keep(programOf("first"));
  first.leave();
  second.load().keep(programOf("second"));
  second.leave();
  assert.deepEqual(first.load().draft(), programOf("first"));
  assert.deepEqual(second.load().draft(), programOf("second"));
  assert.deepEqual(new FakeBrowser(first.local).load().draft(), programOf("second"));
});

test("a draft that is damaged, or of another version of the page, is none", () => {
  for (const text of ["", "{", "null", '{"language":"c"}', '{"language":"c","files":[],"args":"","input":""}']) {
    const browser = new FakeBrowser();
    browser.local.setItem("coderun.draft", text);
    assert.equal(browser.load().draft(), undefined, text);
  }
});

test("a draft for which there is no room does not leave an older one behind", () => {
  const browser = new FakeBrowser(new MemoryStorage(10_000), new MemoryStorage(10_000));
  browser.load().keep(programOf("old"));
  browser.leave();
  browser.load().keep(programOf("new".repeat(10_000)));
  browser.leave();
  assert.equal(browser.load().draft(), undefined);
});

test("the program of an execution is found again, after a reload and in other tabs", async () => {
  const browser = new FakeBrowser();
  await browser.load().remember("one", PROGRAM);
  assert.deepEqual(await browser.load().recall("one"), PROGRAM);
  assert.deepEqual(await new FakeBrowser(browser.local).load().recall("one"), PROGRAM);
  assert.equal(await browser.load().recall("two"), undefined);
});

test("the programs of the last 50 executions are remembered", async () => {
  const storage = new FakeBrowser().load();
  for (let n = 0; n < 60; n += 1) await storage.remember(`${n}`, programOf(`${n}`));
  for (let n = 0; n < 60; n += 1) {
    assert.deepEqual(await storage.recall(`${n}`), n < 10 ? undefined : programOf(`${n}`), `${n}`);
  }
});

test("programs take a million letters together, and the oldest go first", async () => {
  const browser = new FakeBrowser();
  const storage = browser.load();
  for (let n = 0; n < 10; n += 1) await storage.remember(`${n}`, programOf(noise(200_000)));
  const lengths = [...browser.local.texts.values()].map(({ length }) => length);
  assert.ok(lengths.reduce((sum, length) => sum + length) < 1_010_000, `${lengths}`);
  assert.equal(await storage.recall("0"), undefined);
  assert.ok(await storage.recall("9"));
  await storage.remember("large", programOf(noise(1_600_000)));
  assert.equal(await storage.recall("large"), undefined);
  assert.ok(await storage.recall("9"));
});

test("where the browser has less room, the newest programs are kept", async () => {
  const browser = new FakeBrowser(new MemoryStorage(100_000));
  const storage = browser.load();
  for (let n = 0; n < 5; n += 1) await storage.remember(`${n}`, programOf(noise(40_000)));
  assert.ok(await storage.recall("4"));
  await storage.remember("large", programOf(noise(140_000)));
  assert.equal(await storage.recall("large"), undefined);
});

test("one program or all are forgotten", async () => {
  const browser = new FakeBrowser();
  const storage = browser.load();
  for (const id of ["one", "two", "three"]) await storage.remember(id, programOf(id));
  storage.forget("two");
  assert.equal(await storage.recall("two"), undefined);
  assert.ok(await storage.recall("three"));
  storage.forget();
  assert.equal(await storage.recall("three"), undefined);
  assert.equal(browser.local.texts.size, 0);
});

test("a damaged list of programs begins anew", async () => {
  for (const text of ["{", "7", '[[1,2],["x"],null]']) {
    const browser = new FakeBrowser();
    browser.local.setItem("coderun.programs", text);
    const storage = browser.load();
    await storage.remember("one", PROGRAM);
    assert.deepEqual(await storage.recall("one"), PROGRAM);
  }
});

test("the running execution is known after a reload, and each tab has its own", () => {
  const first = new FakeBrowser();
  const second = new FakeBrowser(first.local);
  first.load().runningId = "one";
  second.load().runningId = "two";
  assert.equal(first.load().runningId, "one");
  assert.equal(second.load().runningId, "two");
  first.load().runningId = undefined;
  assert.equal(first.load().runningId, undefined);
  assert.equal(second.load().runningId, "two");
});

test("a browser that stores nothing, or gives no storage, breaks nothing", async () => {
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  for (const open of [denied, () => undefined, () => new MemoryStorage(0)]) {
    const page = new EventTarget();
    const storage = new Storage({ local: open, tab: open, page });
    storage.keep(PROGRAM);
    page.dispatchEvent(new Event("pagehide"));
    storage.runningId = "one";
    await storage.remember("one", PROGRAM);
    storage.forget("one");
    assert.equal(storage.runningId, undefined);
    assert.equal(storage.draft(), undefined);
    assert.equal(await storage.recall("one"), undefined);
  }
});
