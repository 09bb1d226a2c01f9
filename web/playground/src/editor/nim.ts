// Describes Nim line by line, well enough to colour it.

import type { StreamParser } from "@codemirror/language";
import { simpleMode } from "@codemirror/legacy-modes/mode/simple-mode";
import { tags } from "@lezer/highlight";

const KEYWORDS =
  "addr and as asm bind block break case cast concept const continue converter defer discard distinct div do elif " +
  "else end enum except export finally for from func if import in include interface is isnot iterator let macro " +
  "method mixin mod nil not notin object of or out proc ptr raise ref return shl shr static template try tuple " +
  "type using var when while xor yield";
const TYPES =
  "int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 float float32 float64 bool char string cstring pointer " +
  "array seq set openArray varargs range void auto untyped typed Natural Positive Table";

const ROUTINE = /(proc|func|method|template|macro|iterator|converter)(\s+)([\p{L}_][\p{L}\p{N}_]*|`[^`]+`)/u;
const NUMBER = /0[xX][\da-fA-F_]+|0[bB][01_]+|0o[0-7_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?(?:'?[iufIUF]\d+)?/;

const word = (words: string) => new RegExp(`(?:${words.replaceAll(" ", "|")})\\b`);

const mode = simpleMode({
  start: [
    { regex: /##?\[/, token: "comment", push: "comment" },
    { regex: /#.*/, token: "comment" },
    { regex: /(?:[a-zA-Z]\w*)?"""/, token: "string", push: "longString" },
    { regex: /[a-zA-Z]\w*"(?:[^"]|"")*"?/, token: "string" },
    { regex: /"(?:[^"\\]|\\.)*"?/, token: "string" },
    { regex: /'(?:[^'\\]|\\[^']*)'/, token: "string" },
    { regex: ROUTINE, token: ["keyword", "", "functionName"] },
    { regex: word(KEYWORDS), token: "keyword" },
    { regex: word("true false nil"), token: "atom" },
    { regex: word(TYPES), token: "type" },
    { regex: NUMBER, token: "number" },
    { regex: /[\p{L}_][\p{L}\p{N}_]*/u, token: "variable" },
    { regex: /[-+*/<>=@$~&%|!?^.:\\]+/, token: "operator" },
  ],
  comment: [
    { regex: /##?\[/, token: "comment", push: "comment" },
    { regex: /\]##?/, token: "comment", pop: true },
    { regex: /[^#\]]+|./, token: "comment" },
  ],
  longString: [
    { regex: /"""(?!")/, token: "string", pop: true },
    { regex: /[^"]+|"/, token: "string" },
  ],
  languageData: { commentTokens: { line: "#", block: { open: "#[", close: "]#" } } },
});

export const nim: StreamParser<unknown> = { ...mode, tokenTable: { functionName: tags.function(tags.variableName) } };
