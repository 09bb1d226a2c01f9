// Shows one file at a time in CodeMirror, and keeps the undo history, selection and scroll position of each.

import { isolateHistory } from "@codemirror/commands";
import { Annotation, EditorSelection, EditorState, type StateEffect, type TransactionSpec } from "@codemirror/state";
import { EditorView, type ViewUpdate } from "@codemirror/view";

import type { Mistake, SourceFile } from "../model/program";
import { grammar, ownExtensions, sharedExtensions, type Surroundings } from "./extensions";
import { loadGrammar } from "./grammars";
import { keywordsOf } from "./keywords";
import { indentationOf, languageOf } from "./languages";
import { type LineBreak, lineBreakOf, withBreaks, withPlainBreaks } from "./line-breaks";
import { isSameMistakes, showMistakes } from "./mistakes";

/** More documents than a program has files; the one that was shown longest ago goes first. */
const MAX_DOCUMENTS = 64;

/** What the page has to show. */
export interface Content {
  readonly file: SourceFile;
  /** The language of the program. */
  readonly language: string;
  readonly mistakes: readonly Mistake[];
}

/** Where the user was in the plain field that the editor replaces. */
export interface Beginning {
  readonly anchor: number;
  readonly head: number;
  readonly scrollTop: number;
  readonly isFocused: boolean;
}

interface Document {
  readonly name: string;
  state: EditorState;
  scroll?: StateEffect<unknown>;
  /** The content as the page knows it. */
  content: string;
  lineBreak: LineBreak;
  language: string;
  mistakes: readonly Mistake[];
}

/** Marks what the page changed, which it need not be told. */
const fromPage = Annotation.define<true>();

interface Options extends Omit<Surroundings, "keywords"> {
  readonly parent: ShadowRoot;
  readonly descriptionId: string;
  readonly changed: (content: string) => void;
}

export class CodeView {
  private readonly view: EditorView;
  private readonly extensions;
  private readonly documents = new Map<string, Document>();
  private shown: Document | undefined;

  constructor(private readonly options: Options) {
    const { parent, descriptionId } = options;
    const keywords = () => keywordsOf(this.shown?.language ?? "");
    this.extensions = [
      sharedExtensions({ ...options, keywords }, descriptionId),
      EditorView.updateListener.of((update) => this.report(update)),
    ];
    this.view = new EditorView({ parent, root: parent });
  }

  /** Shows a file: another one, or what the page made of the one that is shown. */
  show({ file, language, mistakes }: Content): void {
    const document = this.shown?.name === file.name ? this.shown : this.switchTo(file);
    if (document.content !== file.content) this.replace(document, file.content);
    this.setLanguage(document, languageOf(file.name, language));
    if (isSameMistakes(document.mistakes, mistakes)) return;
    document.mistakes = mistakes;
    this.view.dispatch(showMistakes(this.view.state, mistakes, document.language));
  }

  /** Goes on where the user was in a plain field. */
  begin({ anchor, head, scrollTop, isFocused }: Beginning): void {
    const { length } = this.view.state.doc;
    this.view.dispatch({ selection: { anchor: Math.min(anchor, length), head: Math.min(head, length) } });
    if (isFocused) this.view.focus();
    this.view.scrollDOM.scrollTop = scrollTop;
  }

  focus(): void {
    this.view.focus();
  }

  /** Puts the cursor on a line, in the middle of the view. Positions that the text does not have are moved into it. */
  reveal(line: number, column = 1): void {
    const { doc } = this.view.state;
    const { from, to } = doc.line(Math.min(Math.max(Math.trunc(line) || 1, 1), doc.lines));
    const position = Math.min(from + Math.max(column - 1, 0), to);
    this.view.dispatch({
      selection: EditorSelection.cursor(position),
      effects: EditorView.scrollIntoView(position, { y: "center" }),
    });
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
    this.shown = undefined;
  }

  private switchTo(file: SourceFile): Document {
    if (this.shown) {
      this.shown.state = this.view.state;
      this.shown.scroll = this.view.scrollSnapshot();
    }
    const document = this.documents.get(file.name) ?? this.create(file);
    // The last one is the one that was shown last.
    this.documents.delete(file.name);
    this.documents.set(file.name, document);
    const [oldest] = this.documents.keys();
    if (this.documents.size > MAX_DOCUMENTS && oldest !== undefined) this.documents.delete(oldest);
    this.shown = document;
    this.view.setState(document.state);
    if (document.scroll) this.view.dispatch({ effects: document.scroll });
    return document;
  }

  private create({ name, content }: SourceFile): Document {
    const language = "";
    const extensions = [this.extensions, ownExtensions(indentationOf(content, languageOf(name, language)))];
    const state = EditorState.create({ doc: withPlainBreaks(content), extensions });
    return { name, state, content, lineBreak: lineBreakOf(content), language, mistakes: [] };
  }

  /** Replaces what differs, as one step of the history. */
  private replace(document: Document, content: string): void {
    document.content = content;
    document.lineBreak = lineBreakOf(content);
    const changes = difference(this.view.state.doc.toString(), withPlainBreaks(content));
    if (!changes) return;
    this.view.dispatch({ changes, annotations: [fromPage.of(true), isolateHistory.of("full")] });
  }

  private setLanguage(document: Document, language: string): void {
    if (document.language === language) return;
    document.language = language;
    loadGrammar(language).then(
      (extension) => {
        if (document.language === language) this.change(document, { effects: grammar.reconfigure(extension) });
      },
      // Without its grammar the text is plain, and can be edited all the same.
      () => {},
    );
  }

  private change(document: Document, change: TransactionSpec): void {
    if (document === this.shown) this.view.dispatch(change);
    else document.state = document.state.update(change).state;
  }

  private report(update: ViewUpdate): void {
    const document = this.shown;
    const isOfUser = update.transactions.some((change) => change.docChanged && !change.annotation(fromPage));
    if (!document || !isOfUser) return;
    document.content = withBreaks(update.state.doc.toString(), document.lineBreak);
    this.options.changed(document.content);
  }
}

/** The one change between two texts, or undefined if they are the same. */
function difference(before: string, after: string): { from: number; to: number; insert: string } | undefined {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let end = 0;
  while (end < shorter - from && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) };
}
