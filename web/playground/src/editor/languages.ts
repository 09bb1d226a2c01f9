// Says which language a file is written in, and how its lines are indented.

/** The file that holds the entry of a program, as the service stores it, by language. */
const ENTRIES = new Map(Object.entries({
  python: "main.py",
  javascript: "main.js",
  typescript: "main.ts",
  java: "Main.java",
  c: "main.c",
  cpp: "main.cpp",
  csharp: "main.cs",
  go: "main.go",
  rust: "main.rs",
  kotlin: "main.kt",
  swift: "main.swift",
  ruby: "main.rb",
  php: "main.php",
  perl: "main.pl",
  lua: "main.lua",
  bash: "main.sh",
  r: "main.r",
  haskell: "main.hs",
  scala: "main.scala",
  dart: "main.dart",
  julia: "main.jl",
  elixir: "main.exs",
  ocaml: "main.ml",
  fortran: "main.f90",
  pascal: "main.pas",
  sqlite: "main.sql",
  tcl: "main.tcl",
  nim: "main.nim",
}));

/** The languages that a program can be written in. */
export const LANGUAGES: readonly string[] = [...ENTRIES.keys()];

/** The endings of a language beside that of its entry. The last few are of data that programs read. */
const MORE_ENDINGS: Readonly<Record<string, string>> = {
  javascript: "mjs cjs jsx",
  typescript: "mts cts tsx",
  c: "h",
  cpp: "cc cxx hpp hh hxx",
  kotlin: "kts",
  perl: "pm",
  bash: "bash",
  scala: "sc",
  elixir: "ex",
  ocaml: "mli",
  fortran: "f f95 f03 f08",
  pascal: "pp",
  json: "json",
  yaml: "yaml yml",
  toml: "toml ini cfg",
  xml: "xml svg",
  html: "html htm",
};

const BY_ENDING: ReadonlyMap<string, string> = new Map([
  ...[...ENTRIES].map(([language, entry]): [string, string] => [endingOf(entry), language]),
  ...Object.entries(MORE_ENDINGS).flatMap(([language, endings]) =>
    endings.split(" ").map((ending): [string, string] => [ending, language]),
  ),
]);

/** Where two spaces or a tab are the custom. Elsewhere it is four spaces. */
const TWO_SPACES: ReadonlySet<string> = new Set(
  "javascript typescript ruby lua r scala dart elixir ocaml nim json yaml xml html".split(" "),
);
const TABS = new Set(["go"]);

/** The name of the entry file of a program in this language. */
export function entryName(language: string): string {
  return ENTRIES.get(language) ?? "main.txt";
}

/** The language of a file of a program. It is `text` where nothing more is known. */
export function languageOf(name: string, programLanguage: string): string {
  if (name === ENTRIES.get(programLanguage)) return programLanguage;
  const language = BY_ENDING.get(endingOf(name)) ?? "text";
  return language === "c" && programLanguage === "cpp" ? "cpp" : language;
}

/** What a level of indentation is: what the text uses already, or else the custom of the language. */
export function indentationOf(text: string, language: string): string {
  const [used] = /^(?:\t| {2,8})(?=\S)/m.exec(text.slice(0, 20_000)) ?? [];
  const isUsual = used === "\t" || used === "  " || used === "    ";
  if (used !== undefined && isUsual) return used;
  return TABS.has(language) ? "\t" : TWO_SPACES.has(language) ? "  " : "    ";
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase();
}
