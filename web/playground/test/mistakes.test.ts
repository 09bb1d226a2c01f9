// Finds mistakes in what real compilers and interpreters printed about small wrong programs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { findMistakes, findPlaces } from "../src/output/mistakes";

/** What a tool printed, the files of the program, and `file:line:column message` of each mistake. */
type Case = readonly [output: string, files: string, ...mistakes: string[]];

const CASES: readonly Case[] = [
  ["assert", "main.c", "main.c:2 main: Assertion `1 + 1 == 3' failed."],
  ["bash", "main.sh", "main.sh:3 nosuchcommand: command not found", "main.sh:4 missing: unbound variable"],
  ["bash-syntax", "main.sh", "main.sh:3 syntax error: unexpected end of file"],
  ["elixir", "main.exs", "main.exs:2 (ArithmeticError) bad argument in arithmetic expression"],
  [
    "elixir-compile",
    "main.exs",
    'main.exs:2 warning: variable "cuont" does not exist and is being expanded to "cuont()", please use parentheses ' +
      "to remove the ambiguity or change the variable name",
    "main.exs:2 (CompileError) undefined function cuont/0 (there is no such import)",
  ],
  [
    "elixir-syntax",
    "main.exs",
    'main.exs:3:1 (TokenMissingError) missing terminator: ) (for "(" starting at line 1)',
  ],
  ["fortran-runtime", "main.f90", "main.f90:3 Fortran runtime error: End of file"],
  [
    "fpc",
    "main.pas",
    'main.pas:4:14 Incompatible types: got "Constant String" expected "SmallInt"',
    'main.pas:5:13 Identifier not found "cuont"',
    'main.pas:6:5 Syntax error, ";" expected but "identifier WRITELN" found',
  ],
  [
    "g++-template",
    "main.cpp",
    "main.cpp:8:21 conversion from ‘int’ to non-scalar type ‘std::string’ {aka ‘std::__cxx11::basic_string<char>’} " +
      "requested",
    "main.cpp:7:14 no match for ‘operator<’ (operand types are ‘P’ and ‘P’)",
  ],
  [
    "gcc",
    "main.c tools.h",
    "tools.h:1:31 ‘b’ undeclared (first use in this function)",
    "main.c:5:22 warning: initialization of ‘int’ from ‘char *’ makes integer from pointer without a cast " +
      "[-Wint-conversion]",
    "main.c:6:20 ‘cuont’ undeclared (first use in this function)",
    "main.c:6:26 expected ‘;’ before ‘return’",
  ],
  [
    "gfortran",
    "main.f90",
    "main.f90:5:18 Symbol ‘cuont’ at (1) has no IMPLICIT type; did you mean ‘count’?",
    "main.f90:4:12 Cannot convert CHARACTER(5) to INTEGER(4) at (1)",
  ],
  [
    "ghc",
    "main.hs",
    "main.hs:3:15 Couldn't match type ‘[Char]’ with ‘Int’ Expected: Int Actual: String",
    "main.hs:4:9 Variable not in scope: cuont",
  ],
  ["ghc-syntax", "main.hs", "main.hs:4:1 parse error (possibly incorrect indentation or mismatched brackets)"],
  [
    "go",
    "main.go",
    'main.go:5:2 imported and not used: "os"',
    'main.go:9:11 invalid operation: "three" + 1 (mismatched types untyped string and untyped int)',
    "main.go:10:14 undefined: cuont",
  ],
  ["go-panic", "main.go", "main.go:5 panic: runtime error: index out of range [3] with length 1"],
  ["go-syntax", "main.go", "main.go:4:9 syntax error: unexpected newline, expecting )"],
  ["haskell-patterns", "main.hs", "main.hs:2:1 Non-exhaustive patterns in function half"],
  ["java-exception", "Main.java", "Main.java:3 java.lang.IndexOutOfBoundsException: Index 3 out of bounds for length 0"],
  ["javac-syntax", "Main.java", "Main.java:5:25 ';' expected"],
  [
    "javac-warning",
    "Main.java",
    "Main.java:5:17 warning: [unchecked] unchecked call to add(E) as a member of the raw type List",
    "Main.java:6:28 cannot find symbol: variable lst",
  ],
  ["ld", "main.c"],
  ["lua", "main.lua", "main.lua:2 attempt to index a nil value (local 'list')"],
  ["lua-syntax", "main.lua", "main.lua:2 'then' expected near 'the'"],
  [
    "mcs",
    "main.cs",
    "main.cs:4:21 CS0029: Cannot implicitly convert type `string' to `int'",
    "main.cs:5:27 CS0103: The name `cuont' does not exist in the current context",
  ],
  ["nim", "main.nim", "main.nim:1:18 type mismatch: got 'string' for '\"three\"' but expected 'int'"],
  ["node-built", "main.ts"],
  ["node-callback", "main.js", "main.js:1:20 RangeError: too far"],
  ["node-error", "main.js tools.js", "tools.js:1:31 TypeError: Cannot read properties of undefined (reading '0')"],
  ["node-syntax", "main.js", "main.js:2:11 SyntaxError: Unexpected token ';'"],
  ["ocaml", "main.ml", "main.ml:1:19 This expression has type string but an expression was expected of type int"],
  [
    "ocaml-exception",
    "main.ml",
    "main.ml:1:9 warning: 8 [partial-match]: this pattern-matching is not exhaustive.",
    'main.ml:1:9 exception Match_failure("main.ml", 1, 8)',
  ],
  ["ocaml-syntax", "main.ml", "main.ml:6:1 Syntax error"],
  ["pascal-runtime", "main.pas", "main.pas:5 Runtime error 200 at $00000000004010B8"],
  [
    "perl",
    "main.pl",
    'main.pl:4 Global symbol "$cuont" requires explicit package name (did you forget to declare "my $cuont"?)',
  ],
  [
    "perl-die",
    "main.pl",
    "main.pl:5 Use of uninitialized value $u in concatenation (.) or string",
    "main.pl:3 no list",
  ],
  [
    "php",
    "main.php",
    "main.php:5 warning: Undefined variable $missing",
    "main.php:3 Uncaught Error: Call to a member function first() on null",
  ],
  ["php-syntax", "main.php", 'main.php:3 Parse error: syntax error, unexpected token "echo", expecting "," or ";"'],
  [
    "python-indentation",
    "main.py",
    "main.py:2 IndentationError: expected an indented block after function definition on line 1",
  ],
  ["python-syntax", "main.py", "main.py:2 SyntaxError: invalid syntax. Perhaps you forgot a comma?"],
  ["python-traceback", "main.py tools.py", "tools.py:2 ZeroDivisionError: division by zero"],
  ["python-traceback", "main.py", "main.py:4 ZeroDivisionError: division by zero"],
  ["r", "main.r"],
  ["ruby", "main.rb tools.rb", "tools.rb:2 undefined method `[]' for nil:NilClass (NoMethodError)"],
  [
    "ruby-syntax",
    "main.rb",
    "main.rb:2:3 syntax error, unexpected local variable or method, expecting ')'",
    "main.rb:3 syntax error, unexpected `end', expecting end-of-input",
  ],
  ["rust-panic", "main.rs", "main.rs:4:24 index out of bounds: the len is 1 but the index is 3"],
  ["rustc", "main.rs", "main.rs:4:20 cannot find value `cuont` in this scope", "main.rs:2:22 mismatched types"],
  ["rustc-borrow", "main.rs", "main.rs:4:23 borrow of moved value: `s`"],
  ["sqlite", "main.sql", "main.sql:3 no such column: b"],
  ["sqlite-syntax", "main.sql", 'main.sql:2 near "SELEC": syntax error'],
  ["tcl", "main.tcl", "main.tcl:5 divide by zero"],
  ["tcl-variable", "main.tcl", 'main.tcl:1 can\'t read "missing": no such variable'],
  [
    "tsc",
    "main.ts",
    "main.ts:1:7 TS2322: Type 'string' is not assignable to type 'number'.",
    "main.ts:2:34 TS2339: Property 'size' does not exist on type 'string'.",
    "main.ts:3:22 TS2345: Argument of type 'number' is not assignable to parameter of type 'string'.",
  ],
];

for (const [output, files, ...expected] of CASES) {
  test(`the mistakes in the output of ${output} are found in ${files}`, () => {
    const text = readFileSync(`test/output/${output}.txt`, "utf8");
    assert.deepEqual(mistakesIn(text, files), expected);
  });
}

/** Of tools that are seldom installed: written by hand, in their forms. */
const HANDMADE: readonly Case[] = [
  [
    "main.c:3:5: error: use of undeclared identifier 'cuont'",
    "main.c",
    "main.c:3:5 use of undeclared identifier 'cuont'",
  ],
  ["main.kt:2:13: error: unresolved reference: cuont", "main.kt", "main.kt:2:13 unresolved reference: cuont"],
  [
    'Exception in thread "main" java.lang.IllegalStateException: no\n\tat MainKt.main(main.kt:3)',
    "main.kt",
    "main.kt:3 java.lang.IllegalStateException: no",
  ],
  [
    "main.swift:2:7: error: cannot find 'cuont' in scope\nprint(cuont)\n      ^~~~~",
    "main.swift",
    "main.swift:2:7 cannot find 'cuont' in scope",
  ],
  ["main/main.swift:2: Fatal error: Index out of range", "main.swift", "main.swift:2 Index out of range"],
  ["main.dart:2:9: Error: Undefined name 'cuont'.", "main.dart", "main.dart:2:9 Undefined name 'cuont'."],
  [
    "Unhandled exception:\nBad state: no\n" +
      "#0      half (file:///box/main.dart:3:5)\n#1      main (file:///box/main.dart:7:3)",
    "main.dart",
    "main.dart:3:5 Bad state: no",
  ],
  [
    "ERROR: LoadError: UndefVarError: `cuont` not defined\nStacktrace:\n [1] top-level scope\n   @ /box/main.jl:2\n" +
      "in expression starting at /box/main.jl:2",
    "main.jl",
    "main.jl:2 UndefVarError: `cuont` not defined",
  ],
  [
    "-- [E006] Not Found Error: main.scala:2:10 ------\n2 |  println(cuont)\n" +
      "  |          ^^^^^\n  |          Not found: cuont",
    "main.scala",
    "main.scala:2:10 Not found: cuont",
  ],
];

for (const [text, files, ...expected] of HANDMADE) {
  test(`the mistake in ${JSON.stringify(text.split("\n")[0])} is found`, () => {
    assert.deepEqual(mistakesIn(text, files), expected);
  });
}

test("only files of the program count, by the longest name that fits", () => {
  const files = ["lib/main.py", "data.txt"];
  const line = 'File "/box/lib/main.py", line 3; File "/box/main.py", line 4; /usr/domain.py:5; other.py:6; data.txt:7';
  assert.deepEqual(
    findPlaces(line, "main.py", files).map(({ file, line }) => `${file}:${line}`),
    ["lib/main.py:3", "main.py:4", "data.txt:7"],
  );
});

test("a place spans its path and its numbers", () => {
  const line = "    at half (file:///box/main.js:3:17)";
  const [place] = findPlaces(line, "main.js", []);
  assert.ok(place);
  assert.equal(line.slice(place.start, place.end), "///box/main.js:3:17");
  assert.equal(place.column, 17);
});

test("output that tells no place has no mistakes", () => {
  const texts = ["", "\n\n", "main.py", "main.py: 3 apples", "see main.py, line", "Traceback (most recent call last):"];
  for (const text of texts) {
    assert.deepEqual(findMistakes(text, "main.py", []), []);
  }
});

test("hostile output is read in no time", () => {
  const pieces = ["main.py:", "(".repeat(3_000), "a.".repeat(3_000), "error:", " at ", "/", 'File "main.py", line 3\n'];
  for (const piece of pieces) {
    const began = performance.now();
    findMistakes(piece.repeat(2_000_000 / piece.length), "main.py", ["a.py", "b.txt"]);
    assert.ok(performance.now() - began < 5_000, `${piece.slice(0, 20)} took ${performance.now() - began} ms`);
  }
});

function mistakesIn(text: string, files: string): string[] {
  const [entry = "", ...others] = files.split(" ");
  return findMistakes(text, entry, others).map(({ file, line, column, message }) => {
    return `${file}:${line}${column === undefined ? "" : `:${column}`} ${message}`;
  });
}
