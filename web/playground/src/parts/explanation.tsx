// Explains what went wrong, and what to do.

import { CoderunError } from "@coderun/client";

import type { Run, WatchedRecord } from "../model/run";
import { size } from "../model/words";

export function Explanation({ run }: { run: Run }) {
  const failure = run.failure.value;
  const record = run.record.value;
  return (
    <div role="alert">
      {failure && <Failure failure={failure} />}
      {record && run.phase.value === "ended" && <Outcome record={record} />}
    </div>
  );
}

/** What the service refused, with each mistake of the submission. */
function Failure({ failure }: { failure: Error }) {
  const errors = failure instanceof CoderunError ? (failure.problem?.errors ?? []) : [];
  const others = errors.filter(({ detail }) => detail !== failure.message);
  return (
    <div class="explanation">
      <Prose text={failure.message} />
      {others.length > 0 && (
        <ul>
          {others.map(({ pointer, detail }) => (
            <li key={pointer}>
              {pointer && `${pointer.slice(1)}: `}
              <Prose text={detail} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Outcome({ record }: { record: WatchedRecord }) {
  const sentences = [record.hint ?? limitSentence(record), truncation(record), binary(record)].filter(Boolean);
  if (sentences.length === 0) return null;
  const isMild = record.verdict === "accepted" || record.verdict === "cancelled";
  return (
    <div class={isMild ? "explanation mild" : "explanation"}>
      <Prose text={sentences.join(" ")} />
    </div>
  );
}

/** Text in which backticks mark code, as in hints and errors of the service. */
function Prose({ text }: { text: string }) {
  return <>{text.split(/`([^`]+)`/).map((part, place) => (place % 2 === 1 ? <code key={place}>{part}</code> : part))}</>;
}

/** What the service says last in `error_output` where a limit stopped the program, or it failed without a word. */
function limitSentence({ verdict, error_output }: WatchedRecord): string {
  const isSaid = verdict === "accepted" || verdict === "compile_error" || verdict === "runtime_error" || verdict === null;
  return isSaid ? "" : (error_output?.trimEnd().split("\n").at(-1) ?? "");
}

function truncation({ output_truncated, error_output_truncated, limits }: WatchedRecord): string {
  if (!output_truncated && !error_output_truncated) return "";
  return `Only the first ${size(limits.output_bytes)} of the output were kept.`;
}

function binary(record: WatchedRecord): string {
  const isBinary = record.output_base64 !== undefined || record.error_output_base64 !== undefined;
  return isBinary ? "The output is not all text; “Save output” has its exact bytes." : "";
}
