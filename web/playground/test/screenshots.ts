// Takes the pictures of the documentation. Run by `npm run screenshots -- FOLDER`, with CODERUN_BINARY.

import type { Browser, BrowserContextOptions, Page } from "playwright-core";

import { launch } from "../../client/test/browser";
import { startService } from "../../client/test/service";
import { answer, choose, run, write } from "./page";

const WIDE = { viewport: { width: 1200, height: 720 } };
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const GUESS = `import random

secret = random.Random(4).randint(1, 100)
print("\\x1b[1mI think of a number from 1 to 100.\\x1b[0m")

while (guess := int(input("Your guess? "))) != secret:
    hint = "larger" if guess < secret else "smaller"
    print(f"  It is \\x1b[33m{hint}\\x1b[0m.")

print("\\x1b[32mRight!\\x1b[0m")
`;
const WRONG = `#include <stdio.h>

int main(void) {
    int numbers[] = {3, 1, 4, 1, 5};
    int sum = 0;
    for (int i = 0; i < 5; i++)
        sum += numbers[i]
    printf("The sum is %d\\n", sum);
    return 0;
}
`;

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("the folder for the pictures is missing");
const service = await startService();
const browser = await launch(service.url);
try {
  await picture("light", { ...WIDE, colorScheme: "light" }, interactive);
  await picture("dark", { ...WIDE, colorScheme: "dark" }, compileError);
  await picture("phone", { ...PHONE, colorScheme: "light" }, interactive);
  await picture("history", { ...WIDE, colorScheme: "light" }, async (page) => {
    for (const language of ["python", "ruby", "go"]) {
      await choose(page, language);
      await run(page);
      await page.locator('.state[data-phase="running"], .state[data-phase="ended"]').first().waitFor();
      if (language === "python") await page.getByRole("button", { name: "Stop" }).click();
      await page.locator('.state[data-phase="ended"]').waitFor({ timeout: 60_000 });
    }
    await page.getByRole("button", { name: "History" }).click();
    await page.getByRole("dialog").getByRole("listitem").first().waitFor();
  });
} finally {
  await browser.close();
  await service.stop();
}

async function interactive(page: Page): Promise<void> {
  await write(page, GUESS);
  await run(page);
  for (const guess of ["50", "25", "37"]) {
    await page.getByText("Waiting for your input").waitFor();
    await answer(page, guess);
  }
  await page.getByText("Waiting for your input").waitFor();
}

async function compileError(page: Page): Promise<void> {
  await choose(page, "c");
  await write(page, WRONG);
  await run(page);
  await page.locator('.state[data-phase="ended"]').waitFor({ timeout: 60_000 });
}

async function picture(name: string, options: BrowserContextOptions, prepare: (page: Page) => Promise<void>): Promise<void> {
  const context = await (browser as Browser).newContext({ ...options, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(service.url);
  await page.locator("#run:not([disabled])").waitFor();
  await page.locator("#editor .cm-content").waitFor();
  await prepare(page);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
}
