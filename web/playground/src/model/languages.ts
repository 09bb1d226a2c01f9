// Asks the service which languages it runs, and names them for people.

import type { components } from "@coderun/client";

export type Language = components["schemas"]["Language"];

/** The languages whose name in the API is not how people write it. */
const NAMES = new Map(Object.entries({
  cpp: "C++",
  csharp: "C#",
  javascript: "JavaScript",
  ocaml: "OCaml",
  php: "PHP",
  sqlite: "SQL (SQLite)",
  typescript: "TypeScript",
}));

/** What people call a language. A link may bring any name, such as that of a property that all objects have. */
export function languageName(name: string): string {
  return NAMES.get(name) ?? name.charAt(0).toUpperCase() + name.slice(1);
}

/** The languages that the service runs now, the most used one first. It needs no token. */
export async function fetchLanguages(signal?: AbortSignal): Promise<Language[]> {
  const response = await fetch("/api/v1/languages", { signal: signal ?? null });
  if (!response.ok) throw new Error(`The service answered with status ${response.status}`);
  const { languages } = (await response.json()) as components["schemas"]["Languages"];
  return languages;
}
