// Edits a file with CodeMirror, within a shadow root.
//
// There, the styles of CodeMirror are constructed sheets. In the page itself they would be elements, which the
// policy of the page forbids.

import { useLayoutEffect, useRef } from "preact/hooks";

import type { Mistake, SourceFile } from "../model/program";
import { type Beginning, CodeView } from "./code-view";

export interface EditorHandle {
  focus(): void;
  /** Puts the cursor there and scrolls to it. Both count from 1. */
  reveal(line: number, column?: number): void;
}

export interface EditorProps {
  /** Another name shows another document, with an undo history, a selection and a scroll position of its own. */
  file: SourceFile;
  /** The language of the program. An unknown one is plain text. */
  language: string;
  /** Further words to complete, such as those of other files. */
  words: () => Iterable<string>;
  /** The accessible name. */
  label: string;
  /** The mistakes in this file. */
  mistakes: readonly Mistake[];
  onChange(content: string): void;
  /** Called on Ctrl+Enter and Cmd+Enter. */
  onRun(): void;
  /** Takes the handle when there is one, and null when it has gone. */
  handle?: (handle: EditorHandle | null) => void;
}

const DESCRIPTION =
  "Tab indents. To leave with Tab, press Escape first. F8 goes to the next mistake. Control and Enter runs.";

export function Editor({ beginning, ...props }: EditorProps & { beginning?: Beginning | undefined }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<CodeView | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useLayoutEffect(() => {
    const code = createView(host.current as HTMLDivElement, latest);
    view.current = code;
    return () => {
      latest.current.handle?.(null);
      view.current = null;
      code.destroy();
    };
  }, []);
  useLayoutEffect(() => view.current?.show(props));
  useLayoutEffect(() => {
    const code = view.current;
    if (!code) return;
    if (beginning) code.begin(beginning);
    latest.current.handle?.({
      focus: () => code.focus(),
      reveal: (line, column) => code.reveal(line, column),
    });
  }, []);
  return <div class="code" ref={host} />;
}

function createView(host: HTMLElement, latest: { readonly current: EditorProps }): CodeView {
  const parent = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const description = document.createElement("p");
  description.id = "description";
  description.hidden = true;
  description.textContent = DESCRIPTION;
  parent.replaceChildren(description);
  return new CodeView({
    parent,
    descriptionId: description.id,
    label: () => latest.current.label,
    words: () => latest.current.words(),
    run: () => latest.current.onRun(),
    changed: (content) => latest.current.onChange(content),
  });
}
