// Asks the service which languages it runs, and names them for people.

import type { components } from "@coderun/client";

import { askService } from "./token-source";

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
export async function fetchLanguages(): Promise<Language[]> {
  const path = "/api/v1/languages";
  return (await askService<components["schemas"]["Languages"]>((...request) => fetch(...request), path)).languages;
}
