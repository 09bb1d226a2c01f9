// Says in words what the program does now, or how it ended.

import { useSignal, useSignalEffect } from "@preact/signals";

import type { Run, WatchedRecord } from "../model/run";
import { duration, exitWords, size, type Tone, verdictWords } from "../model/words";

interface Shown {
  tone: Tone | "busy" | "waiting";
  words: string;
}

export function State({ run }: { run: Run }) {
  const { tone, words } = shown(run);
  const record = run.record.value;
  return (
    <div class={`state ${tone}`} data-phase={run.phase.value} data-verdict={record?.verdict ?? undefined}>
      <span class={tone === "busy" || tone === "waiting" ? "dot pulse" : "dot"} />
      <span class="words" role="status">
        {words}
      </span>
      {run.phase.value === "running" ? <Elapsed run={run} /> : record && <Facts record={record} />}
    </div>
  );
}

function shown(run: Run): Shown {
  const position = run.queuePosition.value;
  switch (run.phase.value) {
    case "idle":
      return { tone: "neutral", words: "Ready" };
    case "submitting":
      return { tone: "busy", words: "Sending" };
    case "pending":
      return { tone: "busy", words: position === undefined ? "Waiting for a worker" : `Number ${position} in the queue` };
    case "running":
      return run.isAwaitingInput.value ? { tone: "waiting", words: "Waiting for your input" } : { tone: "busy", words: "Running" };
    case "stopping":
      return { tone: "busy", words: "Stopping" };
    case "failed":
      return { tone: "bad", words: "Not run" };
    case "ended":
      return ended(run.record.value);
  }
}

function ended(record: WatchedRecord | undefined): Shown {
  return record?.verdict ? verdictWords(record.verdict) : { tone: "neutral", words: "Ended" };
}

function Facts({ record }: { record: WatchedRecord }) {
  if (record.verdict === null) return null;
  const { cpu_time_ms, wall_time_ms, memory_bytes } = record;
  const facts = [
    exitWords(record),
    wall_time_ms === null ? "" : duration(wall_time_ms),
    cpu_time_ms === null ? "" : `${duration(cpu_time_ms)} processor`,
    memory_bytes === null ? "" : size(memory_bytes),
  ];
  return <span class="facts">{facts.filter(Boolean).join(" · ")}</span>;
}

/** How long the program has run: no part of the live region, because it changes all the time. */
function Elapsed({ run }: { run: Run }) {
  const now = useSignal(performance.now());
  useSignalEffect(() => {
    if (run.phase.value !== "running") return undefined;
    const timer = setInterval(() => (now.value = performance.now()), 100);
    return () => clearInterval(timer);
  });
  const since = run.startedAt.value ?? now.value;
  return (
    <span class="facts" aria-hidden="true">
      {(Math.max(0, now.value - since) / 1_000).toFixed(1)} s
    </span>
  );
}
