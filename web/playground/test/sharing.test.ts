// Shares programs as links, and opens earlier executions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { encode } from "../src/model/share";
import { console_, editor, run, Stage, verdict, write } from "./page";
import { programOf } from "./programs";

const stage = new Stage();
const SECRET = "print('only in the link')";

test("a link holds the program, sends nothing, and never runs by itself", async (context) => {
  const page = await stage.open(context, "/", { permissions: ["clipboard-read", "clipboard-write"] });
  await write(page, SECRET);
  const sent: string[] = [];
  page.on("request", (request) => {
    // The browser asks for the icon of the new address.
    if (!request.url().endsWith("/favicon.svg")) sent.push(request.url() + (request.postData() ?? ""));
  });
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByText("The link is copied.").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#code=/);
  assert.deepEqual(sent, []);

  const other = await stage.open(context, new URL(link).pathname + new URL(link).hash);
  const requests: string[] = [];
  other.on("request", (request) => requests.push(request.url()));
  await editor(other).getByText("only in the link").waitFor();
  await other.getByText("This program came with a link.").waitFor();
  await other.getByRole("button", { name: "Run" }).waitFor();
  assert.equal(await other.locator(".state").getAttribute("data-phase"), "idle");
  assert.deepEqual(requests.filter((url) => url.includes("/executions/execute")), []);
  await run(other);
  await verdict(other, "accepted");
});

test("a link that was cut is told, and the page works", async (context) => {
  const page = await stage.open(context, "/#code=1.abc");
  await page.getByText("The program of the link cannot be shown: the link is damaged or was cut.").waitFor();
  await run(page);
  await page.getByText("Waiting for your input").waitFor();
});

test("the history has what ran, opens it with its files, and deletes it", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('the first one')");
  await run(page);
  await verdict(page, "accepted");
  await write(page, "raise SystemExit(3)");
  await run(page);
  await verdict(page, "runtime_error");

  await page.getByRole("button", { name: "History" }).click();
  const dialog = page.getByRole("dialog");
  const entries = dialog.getByRole("listitem");
  await entries.first().waitFor();
  const count = await entries.count();
  assert.ok(count >= 2);
  await entries.nth(1).getByRole("button", { name: /open/i }).click();
  await verdict(page, "accepted");
  await editor(page).getByText("the first one").waitFor();
  await console_(page).getByText("the first one").waitFor();

  await page.getByRole("button", { name: "History" }).click();
  await entries.first().getByRole("button", { name: /delete/i }).click();
  await page.waitForFunction((count) => document.querySelectorAll("dialog[open] li").length === count - 1, count);
});

test("a link leaves the user's own program where it was", async (context) => {
  const page = await stage.open(context, "/", { permissions: ["clipboard-read", "clipboard-write"] });
  await write(page, SECRET);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByText("The link is copied.").waitFor();
  const link = new URL(page.url());
  await write(page, "print('my own')");
  await page.goto("about:blank");
  await page.goto(link.href);
  await editor(page).getByText("only in the link").waitFor();
  await page.getByRole("button", { name: "Back to my program" }).click();
  await editor(page).getByText("my own").waitFor();
  await page.reload();
  await editor(page).getByText("my own").waitFor();
});

/** The path of a link with this program. */
const linkTo = async (content: string) => `/${await encode(programOf(content))}`;

test("a link that is pasted over the address of the page is opened", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('my own')");
  const link = await linkTo(SECRET);
  await page.evaluate((hash) => (location.hash = hash), link.slice(1));
  await editor(page).getByText("only in the link").waitFor();
  await page.getByRole("button", { name: "Back to my program" }).click();
  await editor(page).getByText("my own").waitFor();
});

test("what the user makes of a link's program outlives a reload", async (context) => {
  const page = await stage.open(context, await linkTo(SECRET));
  await page.getByText("This program came with a link.").waitFor();
  await write(page, "print('made of it')");
  await page.reload();
  await editor(page).getByText("made of it").waitFor();
  assert.equal(new URL(page.url()).hash, "");
});

test("a link to the example of a language leaves the user's own program where it was", async (context) => {
  const page = await stage.open(context);
  await write(page, "print('my own')");
  await page.goto(new URL("/?language=c", page.url()).href);
  await editor(page).getByText("puts").waitFor();
  await page.goto(new URL("/", page.url()).href);
  await editor(page).getByText("my own").waitFor();
});
