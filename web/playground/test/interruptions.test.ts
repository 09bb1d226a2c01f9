// Reloads, cuts the network and lets tokens expire in the middle of a run.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, console_, phase, run, Stage, verdict, write } from "./page";

const stage = new Stage();
const COUNT = "import time\nfor n in range(40):\n    print('tick', n, flush=True)\n    time.sleep(0.1)\nprint('done')";

test("a reload in the middle of a run goes on with it, from its first output", async (context) => {
  const page = await stage.open(context);
  await write(page, `name = input('Name? ')\n${COUNT}\nprint('Hello', name)`);
  await run(page);
  await answer(page, "Ada");
  await console_(page).getByText("tick 3", { exact: true }).waitFor();
  await page.reload();
  await console_(page).getByText("tick 0", { exact: true }).waitFor();
  await verdict(page, "accepted");
  const text = await console_(page).innerText();
  assert.match(text, /tick 39\n+done\n+Hello Ada/);
  assert.equal(text.match(/tick 3\b(?!\d)/g)?.length, 1);
});

test("the program and its files survive a reload", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('mine')");
  await page.getByRole("button", { name: "Add a file" }).click();
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "module.py" }).waitFor();
  await page.reload();
  await page.getByRole("tab", { name: "module.py" }).waitFor();
  await run(page);
  await verdict(page, "accepted");
  await console_(page).getByText("mine", { exact: true }).waitFor();
});

test("a network that is gone for a while loses no output", async (context) => {
  const page = await stage.open(context);
  await write(page, COUNT);
  await run(page);
  await console_(page).getByText("tick 2", { exact: true }).waitFor();
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await page.context().setOffline(false);
  await verdict(page, "accepted");
  const ticks = (await console_(page).innerText()).match(/tick \d+/g);
  assert.deepEqual(ticks, Array.from({ length: 40 }, (_, n) => `tick ${n}`));
});

test("an expired token is replaced without the user", async (context) => {
  const page = await stage.open(context);
  let refused = 0;
  await page.route("**/api/v1/executions/execute", async (route) => {
    refused += 1;
    if (refused > 1) return route.continue();
    return route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"detail":"Expired Firebase token","status":401}' });
  });
  await write(page, "print('fresh')");
  await run(page);
  await verdict(page, "accepted");
  assert.equal(refused, 2);
});

test("a service that refuses says why, and the program stays", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('x')");
  await page.getByRole("button", { name: "Add a file" }).click();
  await page.getByLabel("Name of the file").fill("main.py/x");
  await page.keyboard.press("Enter");
  await run(page);
  await phase(page, "failed");
  await page.locator(".explanation").waitFor();
  await page.getByRole("tab", { name: "main.py", exact: true }).waitFor();
});
