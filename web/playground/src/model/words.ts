// Says in words what an execution does and how it ended.

import type { components } from "@coderun/client";

type Schemas = components["schemas"];
type WatchedRecord = Schemas["WatchedRecord"];
export type Verdict = Schemas["Verdict"];

/** How the page marks a verdict. */
export type Tone = "good" | "bad" | "neutral";

const VERDICTS: Record<Verdict, { words: string; tone: Tone }> = {
  accepted: { words: "Finished", tone: "good" },
  wrong_answer: { words: "Wrong answer", tone: "bad" },
  compile_error: { words: "Does not compile", tone: "bad" },
  runtime_error: { words: "Failed", tone: "bad" },
  time_limit: { words: "Out of time", tone: "bad" },
  memory_limit: { words: "Out of memory", tone: "bad" },
  output_limit: { words: "Too much output", tone: "bad" },
  process_limit: { words: "Too many processes", tone: "bad" },
  security_violation: { words: "Not allowed", tone: "bad" },
  cancelled: { words: "Stopped", tone: "neutral" },
  rejected: { words: "Refused by the runner", tone: "bad" },
  internal_error: { words: "The service failed", tone: "bad" },
};

/** A verdict in words. */
export function verdictWords(verdict: Verdict): { words: string; tone: Tone } {
  return VERDICTS[verdict];
}

/** How a program exited, where that says more than the verdict. */
export function exitWords({ signal, exit_code }: WatchedRecord): string {
  if (signal !== null) return `signal ${signal}`;
  return exit_code === null || exit_code === 0 ? "" : `exit code ${exit_code}`;
}

/** A time such as `42 ms` or `1.25 s`. */
export function duration(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;
}

/** A size such as `12 kB` or `8.4 MB`, in powers of 1000 as the service counts. */
export function size(bytes: number): string {
  const [unit, name] = bytes < 1e6 ? [1e3, "kB"] : bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  const value = bytes / unit;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${name}`;
}

const CONTROLS: Record<keyof Omit<Schemas["Enforcement"], "cancel">, string> = {
  cpu: "Processor time",
  memory: "Memory",
  processes: "Processes",
  network: "No network",
  filesystem: "Own files only",
  output: "Output",
};

/** What was enforced on a run, and by what. */
export function enforcementWords(enforcement: Schemas["Enforcement"]): { name: string; by: string | null }[] {
  return Object.entries(CONTROLS).map(([control, name]) => ({
    name,
    by: enforcement[control as keyof typeof CONTROLS],
  }));
}
