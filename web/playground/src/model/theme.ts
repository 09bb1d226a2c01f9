// Keeps whether the page is light or dark: as the system is, until the user chooses.

import { signal } from "@preact/signals";

type Theme = "light" | "dark";

const KEY = "coderun.theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

const chosen = signal(stored());
apply();

/** Changes to the other of light and dark. */
export function toggleTheme(): void {
  const current = chosen.peek() ?? (systemIsDark.matches ? "dark" : "light");
  chosen.value = current === "dark" ? "light" : "dark";
  apply();
  try {
    localStorage.setItem(KEY, chosen.peek() ?? "");
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
}

function stored(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : undefined;
  } catch {
    return undefined;
  }
}

function apply(): void {
  const theme = chosen.peek();
  if (theme) document.documentElement.dataset["theme"] = theme;
}
