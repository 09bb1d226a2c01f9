// Turns programs into links and back, and gives it links that were damaged or made to do harm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

import type { Program } from "../src/model/program";
import { decode, encode } from "../src/model/share";
import { noise, PROGRAM, programOf } from "./programs";

/** A fragment that holds any text. */
const holding = (text: string | Buffer) => `#code=1.${deflateRawSync(text).toString("base64url")}`;
const holdingJson = (data: unknown) => holding(JSON.stringify(data));

test("a program comes back as it was, with its files, version, arguments and input", async () => {
  assert.deepEqual(await decode(await encode(PROGRAM)), PROGRAM);
});

test("a fragment has nothing that an address would escape, and is decoded with its # and without", async () => {
  const fragment = await encode(PROGRAM);
  assert.match(fragment, /^#code=1\.[A-Za-z0-9_-]+$/);
  const url = new URL("http://service/");
  url.hash = fragment;
  assert.equal(url.hash, fragment);
  assert.deepEqual(await decode(fragment.slice(1)), PROGRAM);
});

test("every unit of text survives, halves of surrogate pairs too", async () => {
  const units = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).join("");
  const program = programOf(`${units}\ud83d\ude00`);
  assert.deepEqual(await decode(await encode(program)), program);
});

test("many files survive in their order", async () => {
  const files = Array.from({ length: 51 }, (_, n) => ({ name: `part-${n}.py`, content: `x = ${n}\n`.repeat(n) }));
  const program = { ...programOf(""), files: files as unknown as Program["files"] };
  assert.deepEqual(await decode(await encode(program)), program);
});

test("a link is short when the program repeats itself, and large programs that fit survive", async () => {
  const fragment = await encode(programOf("print('again')\n".repeat(10_000)));
  assert.ok(fragment.length < 2_000, `${fragment.length} letters`);
  const large = programOf(noise(1_500_000));
  assert.deepEqual(await decode(await encode(large)), large);
});

test("a program that grows beyond 2 MiB is not read to its end", async () => {
  const bomb = holding(Buffer.alloc(200 << 20));
  assert.ok(bomb.length < 1 << 20);
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(decode(bomb), { message: "the program in the link is too large" });
  const growth = process.memoryUsage().arrayBuffers - before;
  assert.ok(growth < 64 << 20, `${growth} bytes more`);
});

test("a fragment that is longer than 2 MiB is not decompressed", async () => {
  await assert.rejects(decode(`#code=1.${"A".repeat(3 << 20)}`), { message: "the link is too long" });
});

test("a link that was cut anywhere is told to be so", async () => {
  const fragment = await encode(PROGRAM);
  const damaged = { message: "the link is damaged or was cut" };
  for (let end = "#code=1.".length; end < fragment.length; end += 1)
    await assert.rejects(decode(fragment.slice(0, end)), damaged, `${end}`);
});

test("a link with other letters, or bytes that are no compressed UTF-8 or JSON, is damaged", async () => {
  const contents = ["***", "a b", "AAAA=", "_____", "\u00e9", "%41"].map((content) => `#code=1.${content}`);
  const texts = ["", "{", "[1", "undefined", Buffer.from([0x22, 0xff, 0x22])].map(holding);
  for (const fragment of [...contents, ...texts]) {
    await assert.rejects(decode(fragment), { message: "the link is damaged or was cut" }, fragment);
  }
});

test("other fragments and other versions are told apart", async () => {
  for (const fragment of ["", "#", "#top", "#Code=1.x", "code"]) {
    await assert.rejects(decode(fragment), { message: "the link holds no program" }, fragment);
  }
  for (const fragment of ["#code=", "#code=2.abc", "#code=1", "#code=x1.abc"]) {
    await assert.rejects(decode(fragment), { message: "the link is of another version of this page" }, fragment);
  }
});

const GOOD = JSON.parse(JSON.stringify(PROGRAM)) as Record<string, unknown>;
const withFile = (file: unknown) => ({ ...GOOD, files: [file] });

for (const [data, message] of [
  [null, "the program is no object"],
  [[], "the program is no object"],
  ["python", "the program is no object"],
  [{ ...GOOD, language: 7 }, "the language is no text"],
  [{ ...GOOD, language: "x".repeat(65) }, "the language is too long"],
  [{ ...GOOD, version: null }, "the version is no text"],
  [{ ...GOOD, version: "1".repeat(65) }, "the version is too long"],
  [{ ...GOOD, args: ["--name"] }, "the arguments is no text"],
  [{ ...GOOD, input: undefined }, "the input is no text"],
  [{ ...GOOD, files: {} }, "the files are no list"],
  [{ ...GOOD, files: [] }, "there is no file"],
  [
    { ...GOOD, files: Array.from({ length: 1_001 }, (_, n) => ({ name: `${n}`, content: "" })) },
    "there are more than 1000 files",
  ],
  [withFile("main.py"), "a file is no object"],
  [withFile({ content: "" }), "the name of a file is no text"],
  [withFile({ name: " ", content: "" }), "A file needs a name."],
  [withFile({ name: "x".repeat(1_001), content: "" }), "The name of the file is too long."],
  [withFile({ name: "main.py", content: { length: 3 } }), "the content of main.py is no text"],
  ...["a\u0000b", "a\nb"].map((name) => [
    withFile({ name, content: "" }),
    "The name of the file has characters that cannot be shown.",
  ]),
  ...["/etc/passwd", "../x", "a/../../x", ".."].map((name) => [
    withFile({ name, content: "" }),
    "The name must be a path within the program's folder.",
  ]),
  [{ ...GOOD, files: [1, 2].map(() => ({ name: "a", content: "" })) }, "two files have one name"],
] as [unknown, string][]) {
  test(`a link is refused where ${message}: ${JSON.stringify(data).slice(0, 60)}`, async () => {
    await assert.rejects(decode(holdingJson(data)), { message });
  });
}

test("what else a link has is left out, and prototypes are not touched", async () => {
  const extra =
    '{"__proto__":{"input":"bad"},"run":true,"language":"c","files":[{"name":"main.c","content":"","run":1}],"args":"","input":""}';
  const program = await decode(holding(extra));
  assert.deepEqual(program, { language: "c", files: [{ name: "main.c", content: "" }], args: "", input: "" });
  assert.equal(Object.getPrototypeOf(program), Object.prototype);
});
