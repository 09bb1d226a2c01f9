// Describes Elixir line by line, well enough to colour it: its full grammar would be a tenth of the page.

import { simpleMode } from "@codemirror/legacy-modes/mode/simple-mode";

const KEYWORDS =
  "after alias and case catch cond def defdelegate defexception defguard defimpl defmacro defmacrop defmodule defoverridable " +
  "defp defprotocol defstruct do else end fn for if import in not or quote raise receive require rescue super try unless " +
  "unquote use when with";

const DEFINITION = /(def(?:p|macro|macrop|guard|guardp|delegate)?)(\s+)([a-z_]\w*[?!]?)/;
const NUMBER = /0[xX][\da-fA-F]+|0b[01]+|0o[0-7]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?/;

const word = (words: string) => new RegExp(`(?:${words.replaceAll(" ", "|")})\\b(?![?!:])`);

export const elixir = simpleMode({
  start: [
    { regex: /#.*/, token: "comment" },
    { regex: /(?:~[a-zA-Z])?"""/, token: "string", push: "longString" },
    { regex: /"(?:[^"\\]|\\.)*"?/, token: "string" },
    { regex: /'(?:[^'\\]|\\.)*'?/, token: "string" },
    { regex: /~[a-zA-Z](?:\([^)]*\)|\[[^\]]*\]|\{[^}]*\}|<[^>]*>|\/(?:[^/\\]|\\.)*\/|\|[^|]*\|)[a-zA-Z]*/, token: "string" },
    { regex: DEFINITION, token: ["keyword", "", "variableName.function"] },
    { regex: word(KEYWORDS), token: "keyword" },
    { regex: word("true false nil"), token: "atom" },
    { regex: /:(?:[\p{L}_]\w*[?!]?|"(?:[^"\\]|\\.)*")/u, token: "atom" },
    { regex: /[a-z_]\w*[?!]?:(?=\s)/, token: "atom" },
    { regex: /@[a-z_]\w*/, token: "meta" },
    { regex: /[A-Z]\w*(?:\.[A-Z]\w*)*/, token: "type" },
    { regex: NUMBER, token: "number" },
    { regex: /\?(?:\\.|.)/, token: "number" },
    { regex: /[\p{L}_][\p{L}\p{N}_]*[?!]?/u, token: "variable" },
    { regex: /[-+*/<>=&|!^~.]+/, token: "operator" },
  ],
  longString: [
    { regex: /"""/, token: "string", pop: true },
    { regex: /[^"\\]+|\\.|"/, token: "string" },
  ],
  languageData: {
    commentTokens: { line: "#" },
    indentOnInput: /^\s*(?:end|else|rescue|catch|after)\b/,
  },
});
