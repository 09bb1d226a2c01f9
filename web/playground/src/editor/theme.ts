// Gives the editor the colours of the page, by its custom properties, so that light and dark need no other theme.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const button = {
  background: "var(--bg)",
  color: "var(--text)",
  border: "1px solid var(--line)",
  borderRadius: "6px",
  font: "inherit",
  cursor: "pointer",
};

const closing = { color: "var(--text)", width: "24px", height: "24px", cursor: "pointer" };

const frame = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--code-variable)",
    backgroundColor: "var(--surface)",
    fontSize: "var(--code-size)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "var(--code-height)", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 6px" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { background: "var(--code-selection)" },
  ".cm-selectionBackground, .cm-content ::selection": { background: "var(--code-selection)" },
  ".cm-activeLine": { backgroundColor: "var(--code-line)" },
  ".cm-gutters": {
    boxSizing: "border-box",
    minWidth: "var(--code-gutter)",
    justifyContent: "flex-end",
    backgroundColor: "var(--surface)",
    color: "var(--muted)",
    border: "none",
  },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  ".cm-foldGutter span": { cursor: "pointer" },
  ".cm-foldPlaceholder": { ...button, background: "var(--bg)", padding: "0 4px" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-selection)", outline: "none" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--danger)" },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--code-match)" },
  ".cm-searchMatch.cm-searchMatch-selected": { backgroundColor: "var(--code-match)", outline: "2px solid var(--warn)" },
  ".cm-specialChar": { color: "var(--danger)" },
});

const boxes = EditorView.theme({
  ".cm-panels": { backgroundColor: "var(--bg)", color: "var(--text)", fontFamily: "var(--font)", zIndex: "1" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "6px 28px 6px 8px", fontSize: "14px" },
  ".cm-panel.cm-search label": { fontSize: "13px", whiteSpace: "nowrap" },
  ".cm-panel.cm-search [name=close]": { ...closing, fontSize: "18px" },
  ".cm-textfield": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--muted)",
    borderRadius: "6px",
    padding: "4px 8px",
    fontSize: "14px",
  },
  ".cm-button": { ...button, backgroundImage: "none", padding: "4px 10px", fontSize: "13px" },
  ".cm-button:active": { backgroundImage: "none", backgroundColor: "var(--line)" },
  ".cm-textfield:focus-visible, .cm-button:focus-visible, [name=close]:focus-visible": {
    outline: "2px solid var(--accent)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "0 6px 24px #0003",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", fontSize: "13px", maxHeight: "14em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px 3px 4px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--code-selection)", color: "var(--text)" },
  ".cm-completionDetail": { color: "inherit" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
});

/** Pictures of the library would need a wider policy, since they are data URLs. */
const mistakes = EditorView.theme({
  ".cm-lintRange": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--danger) 1px",
    textUnderlineOffset: "3px",
  },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecorationColor: "var(--warn)" },
  ".cm-lintRange-error": { backgroundImage: "none" },
  ".cm-lintRange-active": { backgroundColor: "var(--code-match)" },
  ".cm-lintPoint:after": { borderBottomColor: "var(--danger)" },
  ".cm-gutter-lint": { width: "16px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 2px" },
  ".cm-lint-marker": { width: "12px", height: "auto", textAlign: "center", color: "var(--danger)" },
  ".cm-lint-marker-error": { content: "normal" },
  ".cm-lint-marker-error:before": { content: '"●"' },
  ".cm-lint-marker-warning": { content: "normal", color: "var(--warn)" },
  ".cm-lint-marker-warning:before": { content: '"▲"', fontSize: "0.85em" },
  ".cm-diagnostic": {
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
    padding: "6px 10px",
    fontSize: "13px",
  },
  ".cm-tooltip .cm-diagnostic": { maxWidth: "min(60ch, 90vw)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--danger)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-panel.cm-panel-lint ul [aria-selected], .cm-panel.cm-panel-lint ul:focus [aria-selected]": {
    backgroundColor: "var(--code-selection)",
    color: "var(--text)",
  },
  ".cm-panel.cm-panel-lint [name=close]": closing,
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.self, tags.null, tags.bool, tags.atom], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: "var(--code-string)" },
  { tag: [tags.escape, tags.special(tags.brace)], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.meta, tags.processingInstruction], color: "var(--code-comment)" },
  { tag: [tags.number, tags.unit, tags.literal], color: "var(--code-number)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-function)" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.labelName], color: "var(--code-function)" },
  { tag: [tags.macroName, tags.standard(tags.name)], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: "var(--code-type)" },
  { tag: [tags.variableName, tags.propertyName, tags.attributeName], color: "var(--code-variable)" },
  { tag: [tags.operator, tags.punctuation, tags.bracket, tags.separator], color: "var(--code-operator)" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

export const theme: Extension = [frame, boxes, mistakes, syntaxHighlighting(colours)];
