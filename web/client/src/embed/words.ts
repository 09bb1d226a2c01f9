// Says in words how a program fares.

import { CoderunError } from "../error.js";
import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];
type WatchedRecord = Schemas["WatchedRecord"];

const VERDICTS: Record<Schemas["Verdict"], string> = {
  accepted: "Finished",
  wrong_answer: "The output is not the expected one",
  compile_error: "The program does not compile",
  runtime_error: "The program failed",
  time_limit: "The program took too long and was stopped",
  memory_limit: "The program needed too much memory and was stopped",
  output_limit: "The program wrote too much and was stopped",
  process_limit: "The program started too many processes",
  security_violation: "The program did what is not allowed here and was stopped",
  cancelled: "Stopped",
  rejected: "The service does not run this program",
  internal_error: "The service failed to run the program; try again",
};

/** The verdict with time and memory, and then a hint if there is one. */
export function resultText(record: WatchedRecord): string {
  const { verdict, exit_code, signal, cpu_time_ms, memory_bytes, hint } = record;
  let text = VERDICTS[verdict ?? "internal_error"];
  if (verdict === "runtime_error" && signal !== null) text += ` with the signal ${signal}`;
  else if (verdict === "runtime_error" && exit_code !== null) text += ` with exit code ${exit_code}`;
  const figures = [];
  if (cpu_time_ms !== null) figures.push(`${(cpu_time_ms / 1000).toFixed(2)} s`);
  if (memory_bytes !== null) figures.push(`${(memory_bytes / 1e6).toFixed(1)} MB`);
  if (figures.length > 0) text += ` (${figures.join(", ")})`;
  return hint === null ? text : `${text}\n${hint}`;
}

/** Where in the queue the program is. */
export function queueText(position: number | null | undefined): string {
  return position ? `Waiting in the queue, at place ${position}` : "Waiting to start";
}

/** What the user, or the author of the page, can do about an error. */
export function errorText(error: unknown): string {
  if (!(error instanceof CoderunError)) return messageOf(error);
  if (error.status !== 0) return `The service says: ${error.message}`;
  return `${error.message}. Are you online? If so, the service may be down, or not allow this page (CORS_ORIGINS).`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
