// Edits programs in Chromium.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import type { Locator, Page } from "playwright-core";

import { EditorStage, eventually, type Opened } from "./editor-stage";

/** How long a list of completions takes no keys, as the library has it. */
const LIST_DELAY_MS = 80;

const stage = new EditorStage();

test("what is typed is reported, and Ctrl+Enter runs it", async (context) => {
  const { page, content, call } = await stage.open(context);
  await content.focus();
  await page.keyboard.type("a = 1");
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Meta+Enter");
  assert.equal(await call("content"), "a = 1");
  assert.equal(await call("runs"), process.platform === "darwin" ? 2 : 1);
});

for (const [language, name, code, keyword] of [
  ["python", "main.py", "def half(n):\n    return n / 2  # a comment\n", "def"],
  ["ruby", "main.rb", "def half(n)\n  n / 2 # a comment\nend\n", "def"],
  ["nim", "main.nim", "proc half(n: int): int = n div 2 # a comment\n", "proc"],
] as const) {
  test(`keywords and comments of ${language} have colours of their own`, async (context) => {
    const { page, call } = await stage.open(context);
    await call("open", name, code, language);
    await eventually(page, async () => (await colourOf(page, keyword)) === "rgb(138, 42, 142)", "coloured keyword");
    assert.equal(await colourOf(page, "# a comment"), "rgb(92, 106, 98)");
  });
}

test("a grammar that cannot be fetched leaves plain text", async (context) => {
  stage.missing = "ruby";
  context.after(() => (stage.missing = undefined));
  const { page, content, call } = await stage.open(context);
  const failed = page.waitForResponse((response) => response.status() === 404);
  await call("open", "main.rb", "puts 1", "ruby");
  await failed;
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("2");
  assert.equal(await call("content"), "puts 12");
});

test("words of the text, of other files and of the language are completed by keyboard", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.rb", "unusual_name = 1\n", "ruby");
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("unus");
  await pick(page, "unusual_name");
  await page.keyboard.press("Enter");
  await page.keyboard.type("furt");
  await pick(page, "further_word");
  await page.keyboard.press("Enter");
  await page.keyboard.type("attr_r");
  await pick(page, "attr_reader");
  assert.equal(await call("content"), "unusual_name = 1\nunusual_name\nfurther_word\nattr_reader");
});

test("Enter after a whole word breaks the line, though the list offers the word", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.rb", "", "ruby");
  await content.focus();
  await page.keyboard.type("end");
  await page.locator(".cm-tooltip-autocomplete [aria-selected=true]").waitFor();
  await listTakesKeys(page);
  await page.keyboard.press("Enter");
  assert.equal(await call("content"), "end\n");
});

test("no list opens by itself in a comment", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "unusual_name = 1\n");
  await eventually(page, async () => (await colourOf(page, "1")) !== (await colourOf(page, "unusual_name")), "colours");
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# unus");
  await page.keyboard.press("Enter");
  await page.keyboard.type("unus");
  await page.locator(".cm-tooltip-autocomplete").waitFor();
  assert.equal(await call("content"), "unusual_name = 1\n# unus\nunus");
});

test("mistakes are underlined, marked in the gutter, and told on hover and by F8", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "one = 1\nprint(cuont)\n");
  await call("mark", [
    { file: "main.py", line: 2, column: 7, message: "name 'cuont' is not defined" },
    { file: "other.py", line: 1, message: "elsewhere" },
    { file: "main.py", line: 99, message: "warning: beyond the end" },
  ]);
  assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), ["cuont"]);
  assert.equal(await page.locator(".cm-lint-marker-error").count(), 1);
  assert.equal(await page.locator(".cm-lint-marker-warning").count(), 1);
  await page.locator(".cm-lintRange-error").hover();
  const tooltip = page.locator(".cm-tooltip .cm-diagnostic");
  await tooltip.waitFor();
  assert.equal(await tooltip.textContent(), "name 'cuont' is not defined");
  await page.mouse.move(0, 0);
  await tooltip.waitFor({ state: "detached" });
  await content.focus();
  await page.keyboard.press("F8");
  await tooltip.waitFor();
  await page.locator(".cm-lint-marker-error").hover();
  await page.locator(".cm-tooltip-lint").first().waitFor();
  await call("mark", []);
  assert.equal(await page.locator(".cm-lintRange, .cm-lint-marker").count(), 0);
});

test("a mistake moves with its text, and is found anew when the program runs again", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "print(cuont)\n");
  await call("mark", [{ file: "main.py", line: 1, column: 7, message: "wrong" }]);
  await content.focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("\n");
  assert.equal(await page.locator(".cm-lintRange-error").textContent(), "cuont");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("cuont");
  assert.equal(await page.locator(".cm-lintRange-error").count(), 0);
  await call("mark", [{ file: "main.py", line: 1, column: 1, message: "wrong" }]);
  assert.equal(await page.locator(".cm-lintRange-error").textContent(), "cuont");
});

test("a column that counts a tab as eight is that of the word", async (context) => {
  const { page, call } = await stage.open(context);
  await call("open", "main.c", "\tint a = cuont;\n", "c");
  await call("mark", [{ file: "main.c", line: 1, column: 17, message: "‘cuont’ undeclared" }]);
  assert.equal(await page.locator(".cm-lintRange-error").textContent(), "cuont");
});

test("a place is revealed: the cursor is there, and it is in view", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "pass\n".repeat(500) + "here = 1\n" + "pass\n".repeat(500));
  await call("reveal", 501, 5);
  await page.getByText("here = 1").waitFor();
  await page.keyboard.type("_it");
  assert.equal(await content.evaluate((element) => element.matches(":focus")), true);
  assert.match((await call("content")) ?? "", /^here_it = 1$/m);
  await call("reveal", 100_000, 100_000);
  await page.keyboard.type("last");
  assert.match((await call("content")) ?? "", /last$/);
});

test("each file keeps its undo history, its selection and its scroll position", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "long.py", "pass\n".repeat(500));
  await call("reveal", 300);
  await page.keyboard.type("# ");
  await call("open", "main.py", "one = 1\n");
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("two");
  await call("show", "long.py");
  const line = page.getByText("# pass");
  await line.waitFor();
  await eventually(page, () => isWithin(page, line), "line in view");
  await page.keyboard.type("here ");
  assert.match((await call("content")) ?? "", /^# here pass$/m);
  await page.keyboard.press("Control+Z");
  await page.keyboard.press("Control+Z");
  assert.equal(await call("content"), "pass\n".repeat(500));
  await call("show", "main.py");
  await page.keyboard.press("Control+Z");
  assert.equal(await call("content"), "one = 1\n");
});

test("what replaces the text from outside can be undone in one step", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "first = 1\n");
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("typed");
  await call("open", "main.py", "print('another program')\n");
  await page.getByText("another program").waitFor();
  assert.equal(await call("content"), "print('another program')\n");
  await page.keyboard.press("Control+Z");
  assert.equal(await call("content"), "first = 1\ntyped");
  await page.keyboard.press("Control+Y");
  assert.equal(await call("content"), "print('another program')\n");
});

test("line breaks of Windows are kept, also in what is added", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "data.csv", "a,b\r\n1,2\r\n");
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("3,4\n5,6");
  assert.equal(await call("content"), "a,b\r\n1,2\r\n3,4\r\n5,6");
});

for (const [language, name, expected] of [
  ["python", "main.py", "    "],
  ["go", "main.go", "\t"],
  ["ruby", "main.rb", "  "],
] as const) {
  test(`Tab indents as ${language} does, and after Escape it leaves`, async (context) => {
    const { page, content, call } = await stage.open(context);
    await call("open", name, "", language);
    await content.focus();
    await page.keyboard.press("Tab");
    await page.keyboard.type("x");
    assert.equal(await call("content"), `${expected}x`);
    await page.keyboard.press("Shift+Tab");
    assert.equal(await call("content"), "x");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "After");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Shift+Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Before");
    assert.equal(await call("content"), "x");
  });
}

test("comments are toggled, in languages whose grammar names none, too", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.f90", "end program", "fortran");
  await eventually(page, async () => (await colourOf(page, "program")) === "rgb(138, 42, 142)", "coloured keyword");
  await content.focus();
  await page.keyboard.press("Control+/");
  assert.equal(await call("content"), "! end program");
});

test("text is searched and replaced", async (context) => {
  const { page, content, call } = await stage.open(context);
  await call("open", "main.py", "one\ntwo\none\n");
  await content.focus();
  await page.keyboard.press("Control+F");
  await page.keyboard.type("one");
  await page.locator(".cm-search [name=replace]").first().fill("three");
  await page.locator(".cm-search").getByRole("button", { name: "replace all" }).click();
  assert.equal(await call("content"), "three\ntwo\nthree\n");
  await page.keyboard.press("Escape");
  await page.locator(".cm-search").waitFor({ state: "detached" });
});

test("all that opens fits on a narrow phone", async (context) => {
  const opened = await stage.open(context);
  const { page } = opened;
  await page.setViewportSize({ width: 320, height: 640 });
  await openEverything(opened);
  const wide = await page.locator(".cm-panel, .cm-panel *, .cm-tooltip").evaluateAll((elements) =>
    elements.filter((element) => element.getBoundingClientRect().right > innerWidth).map(({ outerHTML }) => outerHTML),
  );
  assert.deepEqual(wide, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with the ${colorScheme} editor and all that it opens`, async (context) => {
    const opened = await stage.open(context, { colorScheme });
    await openEverything(opened);
    const { page } = opened;
    assert.deepEqual(await violations(page), []);
  });
}

/** Opens the search, a message, and a list, beside a fold and code of several colours. */
async function openEverything({ page, content, call }: Opened): Promise<void> {
  const code = 'def half(n):\n    """Halves."""\n    return n / 2  # a number\n\nprint(half(1), cuont)\n';
  await call("open", "main.py", code);
  await call("mark", [{ file: "main.py", line: 5, column: 16, message: "name 'cuont' is not defined" }]);
  await eventually(page, async () => (await colourOf(page, "def")) !== (await colourOf(page, "(")), "colours");
  await content.focus();
  await page.keyboard.press("Control+F");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+F");
  await page.keyboard.type("half");
  await content.focus();
  await page.keyboard.press("F8");
  await page.locator(".cm-tooltip-lint, .cm-diagnostic").first().waitFor();
  await page.keyboard.press("Control+Shift+M");
  await page.locator(".cm-panel-lint").waitFor();
  await content.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("ha");
  await page.locator(".cm-tooltip-autocomplete").waitFor();
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile("node_modules/axe-core/axe.min.js", "utf8"));
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof import("axe-core") }).axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

/** Waits as long as the list takes no keys, since they may have been meant for the text. */
async function listTakesKeys(page: Page): Promise<void> {
  const shownAt = await page.evaluate(() => performance.now());
  await page.waitForFunction((time) => performance.now() > time, shownAt + LIST_DELAY_MS);
}

/** Chooses an option of the list as soon as it takes keys. */
async function pick(page: Page, label: string): Promise<void> {
  await page.locator(".cm-tooltip-autocomplete li", { hasText: label }).first().waitFor();
  const selected = page.locator(".cm-tooltip-autocomplete [aria-selected=true]", { hasText: label });
  assert.equal(await selected.isVisible(), true);
  await listTakesKeys(page);
  await page.keyboard.press("Enter");
  await page.locator(".cm-tooltip-autocomplete").waitFor({ state: "detached" });
}

/** The colour of the innermost element whose text this is, or of the text around it. */
function colourOf(page: Page, text: string): Promise<string> {
  return page.locator(".cm-content").evaluate((content, text) => {
    const walker = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.textContent?.trim() === text && node.parentElement) return getComputedStyle(node.parentElement).color;
    }
    return "";
  }, text);
}

async function isWithin(page: Page, line: Locator): Promise<boolean> {
  const [inner, outer] = await Promise.all([line.boundingBox(), page.locator(".cm-scroller").boundingBox()]);
  return inner !== null && outer !== null && inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height;
}
