// Lays out the page.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import type { EditorHandle } from "./editor/editor";
import type { Mistake, Program } from "./model/program";
import type { Playground } from "./model/playground";
import { toggleTheme } from "./model/theme";
import { Account } from "./parts/account";
import { Banner } from "./parts/banner";
import { History } from "./parts/history";
import { HistoryIcon, ShareIcon, ThemeIcon } from "./parts/icons";
import { Notices } from "./parts/notices";
import { Result } from "./parts/result";
import { SignIn } from "./parts/sign-in";
import { Source } from "./parts/source";
import { Toolbar } from "./parts/toolbar";

export function App({ playground }: { playground: Playground }) {
  const { workspace, run, session, client, notices, mistakes, isReady, start } = playground;
  const editor = useRef<EditorHandle | null>(null);
  const isHistoryOpen = useSignal(false);
  useRunKey(start);
  useFocus(playground, editor);
  useTitle(playground);

  const goTo = ({ file, line, column }: Pick<Mistake, "file" | "line" | "column">) => {
    const place = workspace.program.peek().files.findIndex(({ name }) => name === file);
    if (place < 0) return;
    workspace.active.value = place;
    requestAnimationFrame(() => editor.current?.reveal(line, column));
  };
  const findLinks = (text: string) =>
    playground.places(text).map((place) => ({
      start: place.start,
      end: place.end,
      label: `Go to line ${place.line} of ${place.file}`,
      follow: () => goTo(place),
    }));

  return (
    <div class="page">
      <Toolbar workspace={workspace} run={run} isReady={isReady} onRun={start}>
        <button
          type="button"
          class="button quiet"
          aria-label="Share"
          title="Share the program as a link"
          onClick={playground.share}
        >
          <ShareIcon />
          <span class="label">Share</span>
        </button>
        <button
          type="button"
          class="button quiet"
          aria-label="History"
          title="Your executions"
          onClick={() => (isHistoryOpen.value = true)}
        >
          <HistoryIcon />
          <span class="label">History</span>
        </button>
        <button type="button" class="button quiet" aria-label="Light or dark" title="Light or dark" onClick={toggleTheme}>
          <ThemeIcon />
        </button>
        <Account playground={playground} />
      </Toolbar>
      <Banner playground={playground} />
      <main class="work">
        <Source
          workspace={workspace}
          mistakes={mistakes.value}
          onRun={start}
          notify={notices.add}
          handle={(handle) => (editor.current = handle)}
        />
        <Result run={run} findLinks={findLinks} saveOutput={playground.saveOutput} />
      </main>
      <History
        session={session}
        client={client}
        isOpen={isHistoryOpen}
        endedCount={playground.endedCount}
        onOpen={(id) => {
          isHistoryOpen.value = false;
          void playground.open(id);
        }}
        onDeleted={(id) => playground.storage.forget(id)}
      />
      <SignIn session={session} isOpen={playground.isSignInOpen} />
      <Notices list={notices} />
    </div>
  );
}

/** Ctrl+Enter runs, wherever the focus is. */
function useRunKey(start: () => void) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
      event.preventDefault();
      start();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [start]);
}

/**
 * A program that asks gets the focus, unless the user has gone on editing since it was started. Once it has ended, the editor has
 * the focus again.
 */
function useFocus({ run, workspace }: Playground, editor: { current: EditorHandle | null }) {
  const program = useRef<Program | undefined>(undefined);
  useSignalEffect(() => {
    const phase = run.phase.value;
    if (phase === "submitting") program.current = workspace.program.peek();
    if (phase !== "ended" || !run.console?.hasFocus()) return;
    if (program.current) editor.current?.focus();
    program.current = undefined;
  });
  useSignalEffect(() => {
    if (run.isAwaitingInput.value && program.current === workspace.program.peek()) run.console?.focus();
  });
}

/** The title of the browser's tab tells of a run that the user may not see. */
function useTitle({ run, workspace }: Playground) {
  useSignalEffect(() => {
    const { name } = workspace.program.value.files[0];
    const state = run.isAwaitingInput.value ? "asks" : run.isActive.value ? "runs" : undefined;
    document.title = state ? `${name} ${state} – coderun` : `${name} – coderun`;
  });
}
