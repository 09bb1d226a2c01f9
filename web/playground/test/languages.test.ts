// Checks what the editor knows of languages against those that the service has.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { classHighlighter, highlightTree } from "@lezer/highlight";

import { loadGrammar } from "../src/editor/grammars";
import { entryName, indentationOf, LANGUAGES, languageOf } from "../src/editor/languages";
import { languageName } from "../src/model/languages";

const TABLES = readFileSync("../../crates/coderun-languages/src/languages.toml", "utf8")
  .split(/^(?=\[[a-z]+\]$)/m)
  .slice(1);
const SERVED = TABLES.map((table) => ({
  name: /^\[([a-z]+)\]/.exec(table)?.[1] ?? "",
  file: /^file = "(.*)"/m.exec(table)?.[1] ?? "",
  example: /^example = '''\n([^]*?)'''/m.exec(table)?.[1] ?? "",
}));

test("the entry files are those of the service", () => {
  assert.deepEqual(
    LANGUAGES.map((language) => [language, entryName(language)]),
    SERVED.map(({ name, file }) => [name, file]),
  );
});

for (const { name, file, example } of SERVED) {
  test(`the grammar of ${name} tells the parts of its example apart, and its comments`, async (context) => {
    const warn = context.mock.method(console, "warn", () => {});
    const state = EditorState.create({ doc: example, extensions: await loadGrammar(languageOf(file, name)) });
    const tree = ensureSyntaxTree(state, state.doc.length, 5_000);
    assert.ok(tree);
    const styles = new Set<string>();
    highlightTree(tree, classHighlighter, (_from, _to, style) => styles.add(style.split(" ")[0] ?? ""));
    assert.ok(styles.has("tok-string"), [...styles].join());
    assert.ok(styles.size > 1, [...styles].join());
    assert.deepEqual(warn.mock.calls.map((call) => call.arguments), []);
    // PHP begins as HTML.
    const position = example.indexOf("Hello");
    assert.ok(state.languageDataAt("commentTokens", position).length > 0);
  });
}

test("the language of a file is that of its ending, except for the entry", () => {
  const cases = [
    ["main.py", "python", "python"],
    ["tools.py", "javascript", "python"],
    ["list.h", "c", "c"],
    ["list.h", "cpp", "cpp"],
    ["data.json", "go", "json"],
    ["data.csv", "python", "text"],
    ["notes.txt", "python", "text"],
    ["README", "python", "text"],
    ["python", "python", "text"],
    ["main.txt", "brainfuck", "text"],
    ["Main.R", "python", "r"],
    ["lib/tools.rb", "ruby", "ruby"],
  ] as const;
  for (const [name, program, expected] of cases) assert.equal(languageOf(name, program), expected, name);
});

test("a program in an unknown language has an entry, too", () => {
  assert.equal(entryName("brainfuck"), "main.txt");
  assert.equal(entryName("constructor"), "main.txt");
});

test("an unknown language has no grammar, and plain text neither", async () => {
  assert.deepEqual(await loadGrammar("text"), []);
  assert.deepEqual(await loadGrammar("constructor"), []);
});

test("the indentation is what the text uses, or else the custom of the language", () => {
  assert.equal(indentationOf("", "python"), "    ");
  assert.equal(indentationOf("", "go"), "\t");
  assert.equal(indentationOf("", "ruby"), "  ");
  assert.equal(indentationOf("if a:\n  b\n", "python"), "  ");
  assert.equal(indentationOf("{\n\tb\n", "c"), "\t");
  assert.equal(indentationOf("/*\n   text\n*/\n", "c"), "    ");
});

for (const name of ["__proto__", "constructor", "toString"]) {
  test(`a language called ${name} is shown as text`, () => {
    assert.equal(languageName(name).toLowerCase(), name.toLowerCase());
  });
}
