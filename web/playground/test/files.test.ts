// Works with several files.

import assert from "node:assert/strict";
import { test } from "node:test";

import { console_, editor, run, Stage, verdict, write } from "./page";

const stage = new Stage();

test("a module is added, named, imported, renamed and deleted, and comes back", async (context) => {
  const page = await stage.open(context);
  await write(page, "import area\nprint(area.square(7))");
  await page.getByRole("button", { name: "Add a file" }).click();
  await page.getByLabel("Name of the file").fill("area.py");
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "area.py", selected: true }).waitFor();
  await write(page, "def square(n):\n    return n * n");
  await run(page);
  await verdict(page, "accepted");
  await console_(page).getByText("49", { exact: true }).waitFor();

  await page.getByRole("tab", { name: "area.py" }).focus();
  await page.keyboard.press("F2");
  await page.getByLabel("Name of the file").fill("shape.py");
  await page.keyboard.press("Enter");
  await run(page);
  await verdict(page, "runtime_error");

  await page.getByRole("tab", { name: "shape.py" }).focus();
  await page.keyboard.press("Delete");
  assert.equal(await page.getByRole("tab").count(), 1);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("tab", { name: "shape.py", selected: true }).waitFor();
  await editor(page).getByText("def square").waitFor();
});

test("a name that is taken is refused with a sentence", async (context) => {
  const page = await stage.open(context);
  await page.getByRole("button", { name: "Add a file" }).click();
  await page.getByLabel("Name of the file").fill("main.py");
  await page.keyboard.press("Enter");
  await page.getByText("There is a file main.py already.").waitFor();
  await page.getByRole("tab", { name: "module.py" }).waitFor();
});

test("files are dropped in; what is not text is refused with a sentence", async (context) => {
  const page = await stage.open(context);
  await write(page, "print(open('data.csv').read())");
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["a,b\n1,2\n"], "data.csv", { type: "text/csv" }));
    transfer.items.add(new File([new Uint8Array([255, 216, 0])], "photo.jpg"));
    return transfer;
  });
  await page.dispatchEvent("#editor", "dragover", { dataTransfer: data });
  await page.dispatchEvent("#editor", "drop", { dataTransfer: data });
  await page.getByRole("tab", { name: "data.csv" }).waitFor();
  await page.getByText("photo.jpg was not added: it is not text in UTF-8.").waitFor();
  await run(page);
  await verdict(page, "accepted");
  await console_(page).getByText("1,2").waitFor();
});

test("each language keeps what was written in it", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('kept')");
  await page.getByLabel("Language").selectOption("javascript");
  await editor(page).getByText("console.log").waitFor();
  await page.getByRole("tab", { name: "main.js" }).waitFor();
  await run(page);
  await verdict(page, "accepted");
  await page.getByLabel("Language").selectOption("python");
  await editor(page).getByText("kept").waitFor();
});
