// Signs in with an account, and with a token where the service has no sign-in of its own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, describe, test } from "node:test";

import type { Page } from "playwright-core";

import { AuthEmulator, PROJECT } from "./auth-emulator";
import { run, Stage, verdict, write } from "./page";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const dialog = (page: Page) => page.getByRole("dialog");
const emulator = await new AuthEmulator().start();
after(() => emulator.stop());

/** Fills the form and sends it. */
async function enter(page: Page, email: string, password: string, button: string): Promise<void> {
  await dialog(page).getByLabel("E-mail address").fill(email);
  await dialog(page).getByLabel("Password").fill(password);
  await dialog(page).getByRole("button", { name: button, exact: true }).click();
}

async function createAccount(page: Page, email: string): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await dialog(page).getByRole("button", { name: "Create an account" }).click();
  await enter(page, email, "secret word", "Create the account");
  await dialog(page).waitFor({ state: "hidden" });
}

describe("with Firebase", () => {
  const stage = new Stage({ FIREBASE_PROJECT_ID: PROJECT, FIREBASE_AUTH_EMULATOR_HOST: emulator.host });

  test("a new user makes an account, runs a program, and is still signed in after a reload", async (context) => {
    const page = await stage.open(context);
    await createAccount(page, "ada@example.org");
    await page.getByRole("button", { name: "ada@example.org" }).waitFor();
    await write(page, "print('mine')");
    await run(page);
    await verdict(page, "accepted");
    await page.reload();
    await page.getByRole("button", { name: "ada@example.org" }).waitFor();
    await run(page);
    await verdict(page, "accepted");
  });

  test("who runs a program without being signed in is asked to, by the keyboard alone if they like", async (context) => {
    const page = await stage.open(context);
    await createAccount(page, "bob@example.org");
    await page.getByRole("button", { name: "bob@example.org" }).click();
    await dialog(page).getByText("You are signed in as bob@example.org.").waitFor();
    await dialog(page).getByRole("button", { name: "Sign out" }).click();
    await page.keyboard.press("Escape");

    await run(page);
    await dialog(page).getByLabel("E-mail address").waitFor();
    await page.keyboard.type("bob@example.org");
    await page.keyboard.press("Tab");
    await page.keyboard.type("secret word");
    await page.keyboard.press("Enter");
    await dialog(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "bob@example.org" }).waitFor();
  });

  test("what is refused is told in words, and the form stays", async (context) => {
    const page = await stage.open(context);
    await createAccount(page, "eve@example.org");
    const other = await stage.open(context);
    await other.getByRole("button", { name: "Sign in" }).click();
    await enter(other, "eve@example.org", "another word", "Sign in");
    await dialog(other).getByText("The e-mail address or the password is wrong.").waitFor();
    await dialog(other).getByRole("button", { name: "Create an account" }).click();
    await enter(other, "eve@example.org", "secret word", "Create the account");
    await dialog(other).getByText("There is an account with this e-mail address already.").waitFor();
    await dialog(other).getByRole("button", { name: "Back to sign in" }).click();
    assert.equal(await dialog(other).getByRole("alert").innerText(), "");
    await enter(other, "eve@example.org", "secret word", "Sign in");
    await dialog(other).waitFor({ state: "hidden" });
  });

  test("a forgotten password is replaced by a link in a message", async (context) => {
    const page = await stage.open(context);
    await page.getByRole("button", { name: "Sign in" }).click();
    await dialog(page).getByRole("button", { name: "Forgot the password?" }).click();
    await dialog(page).getByLabel("E-mail address").fill("ada@example.org");
    await page.keyboard.press("Enter");
    await dialog(page).getByText("a message is on its way").waitFor();
    assert.deepEqual(emulator.resets, ["ada@example.org"]);
  });

  test("one user's history is not shown to the next", async (context) => {
    const page = await stage.open(context);
    await createAccount(page, "first@example.org");
    await write(page, "print('first')");
    await run(page);
    await verdict(page, "accepted");
    await page.getByRole("button", { name: "History" }).click();
    await dialog(page).getByRole("listitem").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "first@example.org" }).click();
    await dialog(page).getByRole("button", { name: "Sign out" }).click();
    await page.keyboard.press("Escape");
    await createAccount(page, "second@example.org");
    await page.getByRole("button", { name: "History" }).click();
    await dialog(page).getByText("Nothing yet.").waitFor();
    assert.equal(await dialog(page).getByRole("listitem").count(), 0);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`the ${colorScheme} form fits a phone and breaks no rule of accessibility`, async (context) => {
      const page = await stage.open(context, "/", { viewport: { width: 320, height: 640 }, colorScheme });
      await page.getByRole("button", { name: "Sign in" }).click();
      await enter(page, "nobody@example.org", "no word", "Sign in");
      await dialog(page).getByText("is wrong").waitFor();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await page.evaluate(readFileSync(AXE, "utf8"));
      const broken = await page.evaluate(() =>
        (globalThis as any).axe.run("dialog[open]").then((found: any) => found.violations),
      );
      assert.deepEqual(broken, []);
    });
  }
});

describe("without a sign-in", () => {
  const stage = new Stage({ DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS: "true" });

  test("the user pastes a token, which lasts as long as the tab", async (context) => {
    const page = await stage.open(context);
    await page.getByText("Paste a token to run programs.").waitFor();
    await run(page);
    await dialog(page).getByLabel("Token").fill("a.b.c");
    await page.keyboard.press("Enter");
    await dialog(page).getByText("Invalid Firebase token").waitFor();
    await dialog(page)
      .getByLabel("Token")
      .fill(`Bearer ${await stage.token()}`);
    await page.keyboard.press("Enter");
    await dialog(page).waitFor({ state: "hidden" });
    await write(page, "print('pasted')");
    await run(page);
    await verdict(page, "accepted");
    await page.reload();
    await run(page);
    await verdict(page, "accepted");
  });
});
