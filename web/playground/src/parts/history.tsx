// Shows the user's executions, opens them again and deletes them.

import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";

import type { Coderun, ExecutionSummary } from "@coderun/client";

import { ExecutionHistory } from "../model/history";
import { languageName } from "../model/languages";
import { relativeTime } from "../model/relative-time";
import type { Session } from "../model/session";
import { type Tone, verdictWords } from "../model/words";
import { Dialog } from "./dialog";
import { DeleteIcon } from "./icons";
import "../style/history.css";

interface Props {
  session: Session;
  client: Coderun;
  isOpen: Signal<boolean>;
  /** How many runs have ended: when it changes, the list is old. */
  endedCount: ReadonlySignal<number>;
  onOpen: (id: string) => void;
  /** Told which execution was deleted, or without an id that all were. */
  onDeleted?: (id?: string) => void;
}

export function History({ session, client, isOpen, endedCount, onOpen, onDeleted }: Props) {
  const history = useMemo(() => new ExecutionHistory(client, onDeleted), [client]);
  useSignalEffect(() => {
    void endedCount.value;
    if (session.state.value !== "signed-in") history.clear();
    else if (isOpen.value) void history.refresh();
  });
  return (
    <Dialog isOpen={isOpen} title="Your executions" class="history">
      {session.state.value === "signed-in" ? (
        <List history={history} onOpen={onOpen} />
      ) : (
        <p class="dialog-body">Sign in to see what you have run.</p>
      )}
    </Dialog>
  );
}

function List({ history, onOpen }: { history: ExecutionHistory; onOpen: (id: string) => void }) {
  const list = useRef<HTMLOListElement>(null);
  const news = useSignal("");
  const entries = history.entries.value;
  const remove = async (entry: ExecutionSummary, index: number) => {
    await history.delete(entry.execution_id);
    if (history.failure.peek() !== undefined) return;
    news.value = `${languageName(entry.language)} execution deleted.`;
    // The button that had the focus is gone.
    requestAnimationFrame(() => focusNear(list.current, index));
  };
  return (
    <>
      <p class="history-failure" role="alert">
        {history.failure.value}
      </p>
      <p class="visually-hidden" role="status">
        {news.value}
      </p>
      <ol class="history-list" ref={list} aria-busy={history.isLoading.value}>
        {entries.map((entry, index) => (
          <Entry key={entry.execution_id} entry={entry} onOpen={onOpen} onDelete={() => remove(entry, index)} />
        ))}
      </ol>
      <p class="history-note" role="status">
        {note(history)}
      </p>
      {history.hasMore.value && (
        <button
          type="button"
          class="button history-more"
          disabled={history.isLoading.value}
          onClick={() => history.loadMore()}
        >
          Load more
        </button>
      )}
      {entries.length > 0 && <DeleteAll history={history} />}
    </>
  );
}

function note({ entries, isLoaded, isLoading }: ExecutionHistory): string {
  if (entries.value.length > 0) return "";
  if (isLoaded.value) return "Nothing yet. What you run appears here, and the service deletes it after some time.";
  return isLoading.value ? "Loading" : "";
}

interface EntryProps {
  entry: ExecutionSummary;
  onOpen: (id: string) => void;
  onDelete: () => Promise<void>;
}

function Entry({ entry, onOpen, onDelete }: EntryProps) {
  const isDeleting = useSignal(false);
  const { words, tone } = outcome(entry);
  const language = languageName(entry.language);
  const when = relativeTime(entry.created_at, Date.now());
  const remove = async () => {
    isDeleting.value = true;
    await onDelete();
    isDeleting.value = false;
  };
  return (
    <li>
      <button type="button" class="history-open" disabled={isDeleting.value} onClick={() => onOpen(entry.execution_id)}>
        <span class={`dot ${tone}`} />
        <span class="language">
          <span class="visually-hidden">Open </span>
          {language}
        </span>
        <span class="words">{words}</span>
        <time dateTime={entry.created_at} title={new Date(entry.created_at).toLocaleString("en")}>
          {when}
        </time>
      </button>
      <button
        type="button"
        class="button quiet history-delete"
        aria-label={`Delete ${language}, ${words}, ${when}`}
        title="Delete"
        disabled={isDeleting.value}
        onClick={remove}
      >
        <DeleteIcon />
      </button>
    </li>
  );
}

function outcome({ verdict, status }: ExecutionSummary): { words: string; tone: Tone } {
  if (verdict !== null) return verdictWords(verdict);
  return { words: status === "pending" ? "Waiting" : "Running", tone: "neutral" };
}

function DeleteAll({ history }: { history: ExecutionHistory }) {
  const isAsked = useSignal(false);
  const isBusy = useSignal(false);
  const confirm = async () => {
    isBusy.value = true;
    await history.deleteAll();
    isBusy.value = isAsked.value = false;
  };
  return (
    <footer class="history-foot">
      {isAsked.value ? (
        <div role="group" aria-label="Delete all?">
          <p>Delete all of your executions, also those that are not listed here? Programs that run are stopped.</p>
          <button type="button" class="button stop" disabled={isBusy.value} onClick={confirm}>
            Delete all
          </button>
          <button
            type="button"
            class="button"
            ref={(button) => button?.focus()}
            disabled={isBusy.value}
            onClick={() => (isAsked.value = false)}
          >
            Keep them
          </button>
        </div>
      ) : (
        <button type="button" class="button quiet" onClick={() => (isAsked.value = true)}>
          <DeleteIcon />
          Delete all…
        </button>
      )}
    </footer>
  );
}

/** Focuses the entry that took a deleted one's place, or the title of the dialog. */
function focusNear(list: HTMLElement | null, index: number): void {
  const buttons = list?.querySelectorAll<HTMLElement>(".history-delete") ?? [];
  const next =
    buttons[Math.min(index, buttons.length - 1)] ?? list?.closest("dialog")?.querySelector<HTMLElement>("h2");
  next?.focus();
}
