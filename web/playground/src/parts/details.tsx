// Shows what is known of a run that has ended: where it ran, its limits, what was enforced, what the compiler said.

import type { Run, WatchedRecord } from "../model/run";
import { languageName } from "../model/languages";
import { duration, enforcementWords, size } from "../model/words";
import { SaveIcon } from "./icons";

export function Details({ run, saveOutput }: { run: Run; saveOutput: () => void }) {
  const record = run.record.value;
  if (!record || run.phase.value !== "ended") return null;
  return (
    <details class="details">
      <summary>Details</summary>
      <dl>
        <Row name="Ran as" value={ranAs(record)} />
        <Row name="Limits" value={limits(record)} />
        {record.enforcement && <dt>Enforced</dt>}
        {record.enforcement && (
          <dd>
            {enforcementWords(record.enforcement)
              .map(({ name, by }) => (by === null ? `${name}: not enforced` : `${name} (${by})`))
              .join(" · ")}
          </dd>
        )}
        <Row name="Compiler" value={compilerWords(record)} />
        <CompilerText record={record} />
        {record.attempts > 1 && <Row name="Attempts" value={String(record.attempts)} />}
        <Row name="Id" value={record.execution_id} />
        <Row name="Kept until" value={new Date(record.expires_at).toLocaleTimeString()} />
        <dt>Output</dt>
        <dd>
          <button type="button" class="button small" onClick={saveOutput}>
            <SaveIcon />
            Save output
          </button>
        </dd>
      </dl>
    </details>
  );
}

function Row({ name, value }: { name: string; value: string }) {
  if (value === "") return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function ranAs({ language, language_version, runner }: WatchedRecord): string {
  return [languageName(language), language_version, runner && `by ${runner}`].filter(Boolean).join(" ");
}

function limits({ limits }: WatchedRecord): string {
  const { cpu_time_ms, wall_time_ms, memory_bytes, output_bytes, processes } = limits;
  return [
    `${duration(cpu_time_ms)} processor`,
    `${duration(wall_time_ms)} in all`,
    `${size(memory_bytes)} memory`,
    `${size(output_bytes)} output`,
    `${processes} processes`,
  ].join(" · ");
}

function compilerWords({ compile }: WatchedRecord): string {
  if (!compile) return "";
  const { wall_time_ms, memory_bytes } = compile;
  return [wall_time_ms !== null && duration(wall_time_ms), memory_bytes !== null && size(memory_bytes)]
    .filter(Boolean)
    .join(" · ");
}

/** What the compiler said of a program that it accepted; what it refuses is in the console. */
function CompilerText({ record }: { record: WatchedRecord }) {
  const text = record.compile ? (record.compile.output + record.compile.error_output).trim() : "";
  if (text === "" || record.verdict === "compile_error") return null;
  return (
    <>
      <dt>It said</dt>
      <dd>
        <pre>{text}</pre>
      </dd>
    </>
  );
}
