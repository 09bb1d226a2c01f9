// Splits lines of arguments as a shell does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { splitArguments } from "../src/model/arguments";

for (const [line, expected] of [
  ["", []],
  ["  a   b ", ["a", "b"]],
  ["--name 'Ada Lovelace' 36", ["--name", "Ada Lovelace", "36"]],
  ['"a b"c', ["a bc"]],
  ["'' x", ["", "x"]],
  ["a\\ b", ["a b"]],
  ['"say \\"hi\\" \\n"', ['say "hi" \\n']],
  ["'it\\'", ["it\\"]],
  ["'never closed", ["never closed"]],
  ["back\\", ["back\\"]],
  ["$HOME *.py", ["$HOME", "*.py"]],
] as [string, string[]][]) {
  test(`the arguments of ${JSON.stringify(line)} are ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(splitArguments(line), expected);
  });
}
