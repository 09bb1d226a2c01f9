// Shows a plain field at once, and the editor in its place as soon as that has loaded.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Beginning } from "./code-view";
import type { EditorProps } from "./editor";
import { lineBreakOf, withBreaks, withPlainBreaks } from "./line-breaks";

type Editor = typeof import("./editor").Editor;

/** Takes the same as the editor. If that cannot be loaded, the plain field stays. */
export function LazyEditor(props: EditorProps) {
  const [loaded, setLoaded] = useState<{ Editor: Editor; beginning: Beginning | undefined }>();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    let isGone = false;
    const load = async () => {
      await whenIdle();
      const { Editor } = await import("./editor");
      await whenComposed(field.current);
      if (!isGone) setLoaded({ Editor, beginning: beginningOf(field.current) });
    };
    // Without a network the field is good enough.
    load().catch(() => {});
    return () => {
      isGone = true;
    };
  }, []);
  if (loaded) return <loaded.Editor {...props} beginning={loaded.beginning} />;
  return <PlainEditor {...props} field={field} />;
}

function PlainEditor({ field, ...props }: EditorProps & { field: { current: HTMLTextAreaElement | null } }) {
  const { file, label, onChange, onRun } = props;
  const latest = useRef(props);
  latest.current = props;
  useLayoutEffect(() => {
    latest.current.handle?.({
      focus: () => field.current?.focus(),
      reveal: (line, column) => field.current && reveal(field.current, line, column),
    });
    return () => latest.current.handle?.(null);
  }, []);
  return (
    <textarea
      key={file.name}
      class="code-plain"
      ref={field}
      value={withPlainBreaks(file.content)}
      aria-label={label}
      autocapitalize="off"
      autocomplete="off"
      spellcheck={false}
      wrap="off"
      onCompositionStart={({ currentTarget }) => (currentTarget.dataset["composing"] = "")}
      onCompositionEnd={({ currentTarget }) => delete currentTarget.dataset["composing"]}
      onInput={({ currentTarget }) => onChange(withBreaks(currentTarget.value, lineBreakOf(file.content)))}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onRun();
      }}
    />
  );
}

/** Where the user is in the field. */
function beginningOf(field: HTMLTextAreaElement | null): Beginning | undefined {
  if (!field) return undefined;
  const { selectionStart, selectionEnd, selectionDirection, scrollTop } = field;
  const isBackward = selectionDirection === "backward";
  return {
    anchor: isBackward ? selectionEnd : selectionStart,
    head: isBackward ? selectionStart : selectionEnd,
    scrollTop,
    isFocused: field.matches(":focus"),
  };
}

/** How long the editor waits for a pause at most. */
const IDLE_MS = 1_000;

/** Waits until the page can be used: on a slow processor, the code of the editor takes a second. */
function whenIdle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(() => resolve(), { timeout: IDLE_MS });
    else setTimeout(resolve, 0);
  });
}

/** Waits until the user has composed a character. A field that goes away before would lose it. */
async function whenComposed(field: HTMLTextAreaElement | null): Promise<void> {
  if (field?.dataset["composing"] === undefined) return;
  await new Promise((resolve) => field.addEventListener("compositionend", resolve, { once: true }));
}

function reveal(field: HTMLTextAreaElement, line: number, column = 1): void {
  const lines = field.value.split("\n");
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const before = lines.slice(0, index).reduce((length, text) => length + text.length + 1, 0);
  const position = before + Math.min(Math.max(column - 1, 0), lines[index]?.length ?? 0);
  field.focus();
  field.setSelectionRange(position, position);
  field.scrollTop = (field.scrollHeight * index) / lines.length - field.clientHeight / 2;
}
