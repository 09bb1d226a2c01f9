// Describes Tcl line by line, well enough to colour it: the mode of the library shows its strings as comments.

import type { StreamParser } from "@codemirror/language";
import { simpleMode } from "@codemirror/legacy-modes/mode/simple-mode";
import { tags } from "@lezer/highlight";

const COMMANDS =
  "after append apply array binary break catch chan clock close concat continue coroutine dict else elseif " +
  "encoding eof error eval exec exit expr fconfigure fileevent file finally flush foreach for format gets global " +
  "glob if incr info interp join lappend lassign lindex linsert list llength lmap load lrange lrepeat lreplace " +
  "lreverse lsearch lset lsort namespace next oo open package pid proc puts read regexp regsub rename return scan " +
  "seek set socket source split string subst switch tailcall tell then throw time trace try unset update uplevel " +
  "upvar variable vwait while yield";
const VARIABLE = { regex: /\$(?:\{[^}]*\}|(?:::)?\w+(?:::\w+)*)/, token: "reference" };
const ESCAPE = { regex: /\\(?:x[\da-fA-F]{1,2}|u[\da-fA-F]{1,4}|.)/, token: "escape" };

const mode = simpleMode({
  start: [
    { regex: /\s*#.*/, sol: true, token: "comment" },
    { regex: /(;)(\s*#.*)/, token: ["punctuation", "comment"] },
    { regex: /"/, token: "string", push: "string" },
    ESCAPE,
    VARIABLE,
    { regex: /(proc)(\s+)([^\s{}[\]"$;]+)/, token: ["keyword", "", "functionName"] },
    { regex: new RegExp(`(?:${COMMANDS.replaceAll(" ", "|")})(?![\\w:.-])`), token: "keyword" },
    { regex: /0x[\da-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/, token: "number" },
    { regex: /[[\]{}();]/, token: "punctuation" },
    { regex: /(?:::)?[\p{L}_][\p{L}\p{N}_]*(?:::[\p{L}\p{N}_]+)*/u, token: "" },
    { regex: /[-+*/%<>=!&|?:~^]+/, token: "operator" },
  ],
  string: [
    { regex: /"/, token: "string", pop: true },
    ESCAPE,
    VARIABLE,
    { regex: /[^"\\$]+|\$/, token: "string" },
  ],
  languageData: { commentTokens: { line: "#" } },
});

const tokenTable = { functionName: tags.function(tags.variableName), reference: tags.special(tags.variableName) };
export const tcl: StreamParser<unknown> = { ...mode, tokenTable };
