// Chooses what the editor can do: its keys, its gutters, and what it helps with.

import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  selectedCompletion,
} from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentLess,
  indentMore,
  insertNewlineAndIndent,
  insertTab,
} from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";

import { mistakeGutter } from "./mistakes";
import { theme } from "./theme";
import { typedText } from "./typed-text";
import { wordSource } from "./words";

/** How long Tab leaves the editor after Escape. */
const LEAVE_MS = 10_000;
/** Long names take part of a list that is this wide at most. */
const MAX_OPTIONS = 60;

/** What the editor asks of its surroundings, at any time. */
export interface Surroundings {
  readonly label: () => string;
  readonly keywords: () => Iterable<string>;
  readonly words: () => Iterable<string>;
  readonly run: () => void;
}

/** Holds the grammar of the document, which comes later than its text. */
export const grammar = new Compartment();

/** What all documents share. */
export function sharedExtensions(surroundings: Surroundings, descriptionId: string): Extension {
  const source = wordSource(surroundings.keywords, surroundings.words);
  const wordCompletion = [{ autocomplete: source }];
  return [
    Prec.highest(keymap.of(runKeys(surroundings.run))),
    Prec.highest(keymap.of([{ key: "Enter", run: breakCompletedLine }])),
    mistakeGutter,
    lineNumbers(),
    foldGutter({ openText: "⌄", closedText: "›" }),
    history(),
    drawSelection(),
    dropCursor(),
    highlightSpecialChars(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches({ minSelectionLength: 2 }),
    EditorState.allowMultipleSelections.of(true),
    typedText,
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ maxRenderedOptions: MAX_OPTIONS, icons: false }),
    EditorState.languageData.of(() => wordCompletion),
    search({ top: true }),
    keymap.of([
      ...closeBracketsKeymap,
      { key: "Tab", run: acceptCompletion },
      ...completionKeymap,
      ...searchKeymap,
      ...lintKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...defaultKeymap,
      { key: "Tab", run: indentOrInsert, shift: indentLess },
      { key: "Escape", run: letTabLeave },
    ]),
    EditorView.contentAttributes.of(() => ({
      "aria-label": surroundings.label(),
      "aria-describedby": descriptionId,
      autocapitalize: "off",
      autocorrect: "off",
      spellcheck: "false",
      translate: "no",
      // It can be edited, so it has the focus anyway; tools that check pages look for this.
      tabindex: "0",
    })),
    theme,
  ];
}

/** What a document has of its own. */
export function ownExtensions(indentation: string): Extension {
  return [grammar.of([]), indentUnit.of(indentation), EditorState.tabSize.of(4)];
}

function runKeys(run: () => void) {
  const press = () => {
    run();
    return true;
  };
  return [
    { key: "Mod-Enter", run: press },
    { key: "Ctrl-Enter", run: press },
  ];
}

/** Breaks the line if the word that the list would complete is complete: no one waits for a list after `end`. */
function breakCompletedLine(view: EditorView): boolean {
  const completion = selectedCompletion(view.state);
  if (!completion || typeof completion.apply === "function") return false;
  const { head, empty } = view.state.selection.main;
  const before = view.state.sliceDoc(Math.max(0, head - completion.label.length - 1), head);
  const isWhole = !/^[\p{L}\p{N}_]/u.test(before.slice(0, -completion.label.length));
  if (!empty || !isWhole || !before.endsWith(completion.label)) return false;
  closeCompletion(view);
  return insertNewlineAndIndent(view);
}

/** Indents selected lines and the begin of a line; elsewhere it inserts space up to the next column. */
function indentOrInsert(view: EditorView): boolean {
  const { state } = view;
  const { from, empty } = state.selection.main;
  const line = state.doc.lineAt(from);
  const isAtBegin = line.text.slice(0, from - line.from).trim() === "";
  if (!empty || isAtBegin) return indentMore(view);
  if (state.facet(indentUnit) === "\t") return insertTab(view);
  const width = state.facet(indentUnit).length;
  const spaces = " ".repeat(width - ((from - line.from) % width));
  view.dispatch(state.replaceSelection(spaces), { userEvent: "input", scrollIntoView: true });
  return true;
}

/** Lets the next Tab leave the editor, so that the keyboard alone gets out of it. */
function letTabLeave(view: EditorView): boolean {
  view.setTabFocusMode(LEAVE_MS);
  return true;
}
