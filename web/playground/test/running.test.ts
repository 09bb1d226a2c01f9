// Runs programs as a user does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, choose, console_, editor, phase, run, Stage, verdict, write } from "./page";

const stage = new Stage();

test("a newcomer runs the first program and talks to it", async (context) => {
  const page = await stage.open(context);
  await run(page);
  await phase(page, "running");
  await page.getByText("Waiting for your input").waitFor();
  await page.getByLabel("What is your name?").waitFor();
  await answer(page, "Ada");
  await page.getByLabel("In which year were you born?").waitFor();
  await answer(page, "2000");
  await verdict(page, "accepted");
  const text = await console_(page).innerText();
  assert.match(text, /What is your name\? Ada\n+Hello Ada! In which year were you born\? 2000\n+You turn 50 in 2050\./);
});

test("output of both streams comes in its order, with colours", async (context) => {
  const page = await stage.open(context);
  await write(
    page,
    [
      "import sys, time",
      "for n in range(3):",
      "    print('out', n, flush=True); time.sleep(0.05)",
      "    print('err', n, file=sys.stderr, flush=True); time.sleep(0.05)",
      "print('\\x1b[31mred\\x1b[0m')",
    ].join("\n"),
  );
  await run(page);
  await verdict(page, "accepted");
  assert.equal((await console_(page).innerText()).trim().replace(/\n+/g, "\n"), "out 0\nerr 0\nout 1\nerr 1\nout 2\nerr 2\nred");
  const colours = await console_(page).evaluate((log) =>
    ["out 0", "err 0", "red"].map((text) => {
      const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        if (walker.currentNode.textContent?.includes(text)) return getComputedStyle(walker.currentNode.parentElement as Element).color;
      }
      return "";
    }),
  );
  assert.equal(new Set(colours).size, 3, String(colours));
});

test("stop stops a program that runs for ever", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('on', flush=True)\nwhile True: pass");
  await run(page);
  await console_(page).getByText("on").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await verdict(page, "cancelled");
  await page.getByRole("button", { name: "Run" }).waitFor();
});

test("Ctrl+C in the console stops, and Ctrl+D ends the input", async (context) => {
  const page = await stage.open(context);
  await write(page, "import sys\nprint(len(sys.stdin.read()))");
  await run(page);
  await answer(page, "four");
  await page.locator(".coderun-console .field").press("Control+d");
  await verdict(page, "accepted");
  await console_(page).getByText("5", { exact: true }).waitFor();

  await write(page, "input('? ')");
  await run(page);
  await page.getByText("Waiting for your input").waitFor();
  await page.locator(".coderun-console .field").press("Control+c");
  await verdict(page, "cancelled");
});

test("a compile error is explained, and leads to its line", async (context) => {
  const page = await stage.open(context);
  await choose(page, "c");
  await write(page, '#include <stdio.h>\n\nint main(void) {\n    printf("hi\\n")\n    return 0;\n}\n');
  await run(page);
  await verdict(page, "compile_error");
  await console_(page).getByTitle("Go to line 4 of main.c").click();
  await page.locator("#editor .cm-activeLine", { hasText: "printf" }).waitFor();
  assert.ok((await page.locator("#editor .cm-lintRange-error, #editor .cm-lint-marker-error").count()) > 0);
});

test("input that is given at once is read to its end, with arguments", async (context) => {
  const page = await stage.open(context);
  await write(page, "import sys\nprint(sys.argv[1:], sum(int(line) for line in sys.stdin))");
  await page.getByText("Arguments and input").click();
  await page.getByLabel("Arguments", { exact: true }).fill("a 'b c'");
  await page.getByLabel(/^Input/).fill("1\n2\n3\n");
  await run(page);
  await verdict(page, "accepted");
  await console_(page).getByText("['a', 'b c'] 6").waitFor();
});

test("a hint explains an exception, and limits are told", async (context) => {
  const page = await stage.open(context);
  await write(page, "print(1 / 0)");
  await run(page);
  await verdict(page, "runtime_error");
  assert.match(await page.locator(".state").innerText(), /Failed.*exit code 1/s);
  await page.getByText("Details").click();
  await page.getByText("by sandbox").waitFor();
  await page.getByText(/No network \(/).waitFor();
});

test("output that is not text can be saved as it is, and cut output says so", async (context) => {
  const page = await stage.open(context);
  await write(page, "import sys\nsys.stdout.buffer.write(b'\\xff\\x00end\\n')");
  await run(page);
  await verdict(page, "accepted");
  await page.getByText("The output is not all text").waitFor();
  await page.getByText("Details").click();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save output" }).click();
  const stream = await (await saved).createReadStream();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(chunks), Buffer.from("\xff\0end\n", "latin1"));

  await write(page, "while True: print('x' * 100)");
  await run(page);
  await verdict(page, "output_limit");
  await page.getByText("Only the first").waitFor();
});

test("five megabytes of output leave the page usable", async (context) => {
  const page = await stage.open(context);
  await write(page, "for n in range(9_000): print(n, 'x' * 100)");
  await run(page);
  await verdict(page, "accepted");
  await console_(page).getByText("8999 x").waitFor();
  await editor(page).focus();
  await page.keyboard.insertText("# still here");
  await editor(page).getByText("# still here").waitFor();
});
