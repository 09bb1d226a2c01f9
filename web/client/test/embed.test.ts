// Runnable blocks of code in pages of other origins, in Chromium against the real service.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, type TestContext, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { Coderun } from "../src/index.js";
import { launch, open, serve } from "./browser.js";
import { bundle } from "./bundle.js";
import { block, GUIDE } from "./documents.js";
import { PACKAGE } from "./installed.js";
import { type Service, startService } from "./service.js";

const ASK = `<coderun-snippet language="python"><pre>
    name = input("Your name? ")
    print(f"Hello {name}!")
</pre></coderun-snippet>`;
const LOOP = '<coderun-snippet language="python">print("on", flush=True)\nwhile True: pass</coderun-snippet>';
const TOKENS = "globalThis.coderunToken = async () => localStorage.token;";
let service: Service;
let token: string;
let browser: Browser;
let script: string;
let axe: string;

before(async () => {
  service = await startService();
  token = (await service.print("token", "--uid", "alice")).trim();
  script = await bundle("../playground/src/embed.ts");
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  browser = await launch("http://127.0.0.1:8001");
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** A page of another origin with the one script of the service, with this function for tokens. */
async function openPage(
  context: TestContext,
  body: string,
  { tokens = TOKENS, csp = "", pages = {} }: { tokens?: string; csp?: string; pages?: Record<string, string> } = {},
): Promise<{ page: Page; errors: string[] }> {
  const html = `<!doctype html><html lang="en"><title>Course</title><link rel="stylesheet" href="/page.css">
    <script src="/tokens.js"></script><script type="module" src="${service.url}/embed.js"></script>
    <main><h1>Course</h1>${body}</main></html>`;
  const css = ":root { color-scheme: light dark } body { background: Canvas }";
  const all = { "/page.html": html, "/tokens.js": tokens, "/page.css": css, ...pages };
  const site = await serve(PACKAGE, all, csp === "" ? {} : { "content-security-policy": csp });
  context.after(site.stop);
  const profile = await browser.newContext();
  context.after(() => profile.close());
  const headers = { "content-type": "text/javascript", "access-control-allow-origin": "*" };
  await profile.route(`${service.url}/embed.js`, (route) => route.fulfill({ body: script, headers }));
  return open(profile, `${site.url}/page.html`, token);
}

/** Waits until the status line of the only snippet is like this. */
async function hasStatus(page: Page, expected: RegExp): Promise<void> {
  await page.locator(".status").filter({ hasText: expected }).waitFor();
}

function shown(page: Page): Promise<string> {
  return page
    .locator("coderun-snippet")
    .first()
    .locator("[role=log]")
    .evaluate((log) => {
      const lines = Array.from(log.querySelectorAll(".line"));
      return lines.map((line) => line.textContent).join("\n");
    });
}

test("one script tag and a function for tokens make a block of code run and take input", async (context) => {
  const { page, errors } = await openPage(context, ASK);
  const code = page.getByRole("textbox", { name: "Program in python: code" });
  assert.equal(await code.inputValue(), 'name = input("Your name? ")\nprint(f"Hello {name}!")');
  assert.ok(!(await page.locator(".console").isVisible()));
  await page.getByRole("button", { name: "Run" }).click();
  const field = page.getByRole("textbox", { name: "Your name?" });
  await hasStatus(page, /^The program waits for your input$/);
  assert.ok(await field.evaluate((element) => (element.getRootNode() as ShadowRoot).activeElement === element));
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await hasStatus(page, /^Finished \(\d+\.\d\d s, \d+\.\d MB\)$/);
  assert.equal(await shown(page), "Your name? Ada\nHello Ada!");
  assert.deepEqual(errors, []);
});

test("the page of the guide runs as it is", async (context) => {
  const html = (await block(GUIDE, "html")).replaceAll("https://run.example.org", service.url);
  const { page, errors } = await openPage(context, "", { pages: { "/page.html": html, "/my-token": token } });
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program waits/);
  await page.keyboard.type("Ada\n");
  await hasStatus(page, /^Finished/);
  assert.equal(await shown(page), "Your name? Ada\nHello Ada!");
  assert.deepEqual(errors, []);
});

test("a program is stopped by the same button", async (context) => {
  const { page } = await openPage(context, LOOP);
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator(".line", { hasText: "on" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await hasStatus(page, /^Stopped/);
  await page.getByRole("button", { name: "Run" }).waitFor();
});

test("what the compiler refuses is shown, with a word on it", async (context) => {
  const code = '<script type="text/plain">int main( {</script>';
  const { page } = await openPage(context, `<coderun-snippet language="c">${code}</coderun-snippet>`);
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program does not compile/);
  assert.match(await shown(page), /main\.c:1:11: error: /);
  await page.getByRole("link", { name: "main.c:1" }).click();
  const selected = await page
    .locator("textarea")
    .evaluate(({ value, selectionStart, selectionEnd }: HTMLTextAreaElement) =>
      value.slice(selectionStart, selectionEnd),
    );
  assert.equal(selected, "int main( {");
});

test("a program that reads all of its input gets the end of it", async (context) => {
  const body = '<coderun-snippet language="python">import sys\nprint(sum(int(line) for line in sys.stdin))</coderun-snippet>';
  const { page } = await openPage(context, body);
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program waits/);
  await page.keyboard.type("20\n22\n");
  await page.getByRole("button", { name: "End input" }).click();
  await hasStatus(page, /^Finished/);
  assert.equal(await shown(page), "20\n22\nEnd of the input\n42");
});

test("attributes choose the version, arguments and input, and a failure has its reason", async (context) => {
  const body = `<coderun-snippet language="python" version="3" args='one "two three"' input="4" readonly label="Example 1">
    import sys
    print(sys.argv[1:], input(), sys.version_info.major)
    print(nme)
  </coderun-snippet>`;
  const { page } = await openPage(context, body);
  const code = page.getByRole("textbox", { name: "Example 1: code" });
  assert.ok(!(await code.isEditable()));
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program failed with exit code 1 \(/);
  assert.match(await shown(page), /^\['one', 'two three'\] 4 3\nTraceback/);
  assert.equal(await page.locator(".field").count(), 1);
  assert.ok(!(await page.locator(".field").isVisible()));
});

test("a token that is refused is replaced by a fresh one", async (context) => {
  const tokens = `globalThis.calls = [];
    globalThis.coderunToken = async ({ forceRefresh }) => {
      calls.push(forceRefresh);
      return forceRefresh ? localStorage.token : "old";
    };`;
  const { page } = await openPage(context, ASK.replace("<coderun-snippet", '<coderun-snippet input="Ada"'), { tokens });
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^Finished/);
  assert.deepEqual(await page.evaluate("calls.slice(0, 2)"), [false, true]);
});

test("a page without a function for tokens says how to write one, and may bring it later", async (context) => {
  const { page } = await openPage(context, '<coderun-snippet language="python">print(1)</coderun-snippet>', {
    tokens: "",
  });
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /globalThis\.coderunToken = async \(\{ forceRefresh \}\)/);
  await page.evaluate('globalThis.coderunToken = () => { throw new Error("Please log in") }');
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^There is no token: Please log in$/);
  await page.evaluate("globalThis.coderunToken = () => localStorage.token");
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^Finished/);
});

test("errors of the service can be read", async (context) => {
  const { page } = await openPage(context, '<coderun-snippet language="pyton">print(1)</coderun-snippet>');
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The service says: language is unknown; did you mean `python`\?/);
});

test("a strict content security policy needs the address of the service alone", async (context) => {
  const { url } = service;
  const csp = `default-src 'none'; script-src 'self' ${url}; style-src 'self'; connect-src ${url} ${url.replace("http", "ws")}`;
  const { page, errors } = await openPage(context, ASK, { csp });
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program waits/);
  await page.keyboard.type("Ada\n");
  await hasStatus(page, /^Finished/);
  assert.equal(await page.locator(".snippet").evaluate((frame) => getComputedStyle(frame).borderRadius), "8px");
  assert.deepEqual(errors, []);
});

test("two snippets run side by side", async (context) => {
  const { page, errors } = await openPage(context, ASK + ASK.replace("Hello", "Goodbye"));
  const snippets = page.locator("coderun-snippet");
  for (const index of [0, 1]) await snippets.nth(index).getByRole("button", { name: "Run" }).click();
  for (const [index, name] of ["Ada", "Bob"].entries()) {
    const field = snippets.nth(index).getByRole("textbox", { name: "Your name?" });
    await field.fill(name);
    await field.press("Enter");
  }
  for (const [index, text] of ["Your name? AdaHello Ada!", "Your name? BobGoodbye Bob!"].entries()) {
    await snippets
      .nth(index)
      .locator(".status", { hasText: /^Finished/ })
      .waitFor();
    assert.equal(await snippets.nth(index).locator("[role=log]").textContent(), text);
  }
  assert.deepEqual(errors, []);
});

test("a snippet that is removed stops its program, and one that is moved does not", async (context) => {
  const { page } = await openPage(context, LOOP);
  const accepted = page.waitForResponse((response) => response.url().endsWith("/execute"));
  await page.getByRole("button", { name: "Run" }).click();
  const { execution_id } = await (await accepted).json();
  await page.locator(".line", { hasText: "on" }).waitFor();
  await page.evaluate('document.body.append(document.querySelector("coderun-snippet"))');
  await hasStatus(page, /^Running$/);
  const execution = new Coderun({ baseUrl: service.url, getToken: () => token }).execution(execution_id);
  assert.equal((await execution.record()).status, "running");
  await page.evaluate('document.querySelector("coderun-snippet").remove()');
  assert.equal((await execution.result()).verdict, "cancelled");
});

test("the keyboard indents, leaves the field, runs and undoes", async (context) => {
  const { page } = await openPage(context, '<coderun-snippet language="python" input="">if True:</coderun-snippet>');
  const code = page.locator("textarea");
  await code.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("print(1)\nprint(2)");
  assert.equal(await code.inputValue(), "if True:\n    print(1)\n    print(2)");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await code.inputValue(), "if True:\n    print(1)\nprint(2)");
  await page.keyboard.press("Control+Enter");
  await hasStatus(page, /^Finished/);
  assert.equal(await shown(page), "1\n2");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  const focused = "document.querySelector('coderun-snippet').shadowRoot.activeElement.textContent";
  assert.equal(await page.evaluate(focused), "Run");
  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await code.inputValue(), "if True:");
  assert.ok(!(await page.getByRole("button", { name: "Reset" }).isVisible()));
  await page.keyboard.press("Control+z");
  assert.equal(await code.inputValue(), "if True:\n    print(1)\nprint(2)");
});

test("snippets that a framework fills later have its code", async (context) => {
  const { page } = await openPage(context, "");
  await page.evaluate(() => {
    const snippet = document.createElement("coderun-snippet");
    document.querySelector("main")?.append(snippet);
    snippet.setAttribute("language", "python");
    snippet.append("  print(1)\n  print(2)\n");
  });
  await page.getByRole("textbox", { name: "Program in python: code" }).waitFor();
  assert.equal(await page.locator("textarea").inputValue(), "print(1)\nprint(2)");
  assert.equal(await page.locator("textarea").getAttribute("rows"), "2");
});

test("axe finds nothing, in light and dark pages, before, during and after a run", async (context) => {
  const { page } = await openPage(context, ASK.replace("print(", "print('\\x1b[31mred\\x1b[0m'); print("));
  await page.addScriptTag({ content: axe });
  const check = async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const found = await page.evaluate<string[]>("axe.run().then((report) => report.violations.map(JSON.stringify))");
      assert.deepEqual(found, []);
    }
  };
  await check();
  await page.getByRole("button", { name: "Run" }).click();
  await hasStatus(page, /^The program waits/);
  await check();
  await page.keyboard.type("Ada\n");
  await hasStatus(page, /^Finished/);
  await check();
});
