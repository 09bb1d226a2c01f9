// Completes words: keywords of the language, and words of this file and of others.

import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";

const WORD = /[\p{L}_][\p{L}\p{N}_]*/gu;
const WORD_BEFORE = /[\p{L}_][\p{L}\p{N}_]*$/u;
const VALID = /^[\p{L}\p{N}_]*$/u;
/** Shorter words are typed faster than they are chosen. */
const MIN_LENGTH = 3;
/** What is typed before the list opens by itself. */
const MIN_TYPED = 2;
/** Longer texts are read around the cursor alone. */
const MAX_TEXT = 200_000;
const MAX_WORDS = 5_000;

/** Completes from the words of the text, from `keywords`, and from further words. */
export function wordSource(keywords: () => Iterable<string>, words: () => Iterable<string>): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const typed = context.matchBefore(WORD_BEFORE);
    if (!typed) return null;
    if (!context.explicit && (typed.text.length < MIN_TYPED || isProse(context.state, context.pos))) return null;
    const options = new Map<string, Completion>();
    for (const label of keywords()) options.set(label, { label, type: "keyword" });
    const known = wordsAround(context.state, typed.from);
    for (const word of words()) if (word !== typed.text) known.add(word);
    for (const label of known) {
      if (options.size >= MAX_WORDS) break;
      if (!options.has(label)) options.set(label, { label });
    }
    return { from: typed.from, options: [...options.values()], validFor: VALID };
  };
}

/** The words of the text, without the one at this position. */
function wordsAround(state: EditorState, position: number): Set<string> {
  const from = Math.max(0, position - MAX_TEXT / 2);
  const before = state.sliceDoc(from, position);
  const after = state.sliceDoc(position, from + MAX_TEXT).replace(/^[\p{L}\p{N}_]+/u, "");
  const words = new Set<string>();
  for (const text of [after, before]) {
    for (const [word] of text.matchAll(WORD)) if (word.length >= MIN_LENGTH) words.add(word);
  }
  return words;
}

/** Whether there is a comment or a string at this position, where a list that opens by itself is in the way. */
function isProse(state: EditorState, position: number): boolean {
  let node = syntaxTree(state).resolveInner(position, -1);
  for (;;) {
    if (/comment|string|regexp?$/i.test(node.name)) return true;
    if (/interpolation|replacement/i.test(node.name) || !node.parent) return false;
    node = node.parent;
  }
}
