// Loads the grammar of a language when it is needed, each as a file of its own.

import { type LanguageSupport, StreamLanguage, type StreamParser } from "@codemirror/language";
import type { Extension } from "@codemirror/state";

type Comments = { line?: string; block?: { open: string; close: string } };

const LOADERS = new Map<string, () => Promise<Extension>>(Object.entries({
  python: async () => (await import("@codemirror/lang-python")).python(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript({ jsx: true }),
  typescript: async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true }),
  java: async () => (await import("@codemirror/lang-java")).java(),
  c: async () => (await import("@codemirror/lang-cpp")).cpp(),
  cpp: async () => (await import("@codemirror/lang-cpp")).cpp(),
  csharp: async () => stream((await import("@codemirror/legacy-modes/mode/clike")).csharp),
  go: async () => (await import("@codemirror/lang-go")).go(),
  rust: async () => (await import("@codemirror/lang-rust")).rust(),
  kotlin: async () => stream((await import("@codemirror/legacy-modes/mode/clike")).kotlin),
  swift: async () => stream((await import("@codemirror/legacy-modes/mode/swift")).swift),
  ruby: async () => stream((await import("@codemirror/legacy-modes/mode/ruby")).ruby),
  php: async () => (await import("@codemirror/lang-php")).php(),
  perl: async () => stream((await import("@codemirror/legacy-modes/mode/perl")).perl),
  lua: async () => stream((await import("@codemirror/legacy-modes/mode/lua")).lua),
  bash: async () => stream((await import("@codemirror/legacy-modes/mode/shell")).shell),
  r: async () => stream((await import("@codemirror/legacy-modes/mode/r")).r),
  haskell: async () => stream((await import("@codemirror/legacy-modes/mode/haskell")).haskell),
  scala: async () => stream((await import("@codemirror/legacy-modes/mode/clike")).scala),
  dart: async () => stream((await import("@codemirror/legacy-modes/mode/clike")).dart),
  julia: async () => stream((await import("@codemirror/legacy-modes/mode/julia")).julia),
  elixir: async () => stream((await import("./elixir")).elixir),
  ocaml: async () => stream((await import("@codemirror/legacy-modes/mode/mllike")).oCaml),
  fortran: async () => stream((await import("@codemirror/legacy-modes/mode/fortran")).fortran, { line: "!" }),
  pascal: async () => stream((await import("@codemirror/legacy-modes/mode/pascal")).pascal, { line: "//" }),
  sqlite: loadSqlite,
  tcl: async () => stream((await import("./tcl")).tcl),
  nim: async () => stream((await import("./nim")).nim),
  json: async () => (await import("@codemirror/lang-json")).json(),
  yaml: async () => stream((await import("@codemirror/legacy-modes/mode/yaml")).yaml),
  toml: async () => stream((await import("@codemirror/legacy-modes/mode/toml")).toml),
  xml: async () => stream((await import("@codemirror/legacy-modes/mode/xml")).xml),
  html: async () => stream((await import("@codemirror/legacy-modes/mode/xml")).html),
}));

const loaded = new Map<string, Promise<Extension>>();

/** The grammar of a language; nothing for a language that has none. It fails if the grammar cannot be fetched. */
export function loadGrammar(language: string): Promise<Extension> {
  const known = loaded.get(language);
  if (known) return known;
  const grammar = LOADERS.get(language)?.() ?? Promise.resolve([]);
  loaded.set(language, grammar);
  // The next document of this language tries again.
  grammar.catch(() => loaded.delete(language));
  return grammar;
}

async function loadSqlite(): Promise<LanguageSupport> {
  const { sql, SQLite } = await import("@codemirror/lang-sql");
  return sql({ dialect: SQLite, upperCaseKeywords: true });
}

/** A grammar that reads line by line; some do not say what a comment is. */
function stream(parser: StreamParser<unknown>, comments?: Comments): Extension {
  if (!comments) return StreamLanguage.define(parser);
  return StreamLanguage.define({ ...parser, languageData: { ...parser.languageData, commentTokens: comments } });
}
