// Shows the bar: language, version, run and stop, and what else the page can do.

import type { ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

import { languageName } from "../model/languages";
import type { Run } from "../model/run";
import type { Workspace } from "../model/workspace";
import { Mark, RunIcon, StopIcon } from "./icons";

interface Props {
  workspace: Workspace;
  run: Run;
  isReady: ReadonlySignal<boolean>;
  onRun: () => void;
  children: ComponentChildren;
}

export function Toolbar({ workspace, run, isReady, onRun, children }: Props) {
  return (
    <header class="bar">
      <h1 class="brand">
        <Mark />
        <span class="name">coderun</span>
      </h1>
      <LanguagePicker workspace={workspace} />
      <VersionPicker workspace={workspace} />
      <RunButton run={run} isReady={isReady.value} onRun={onRun} />
      <span class="spring" />
      {children}
    </header>
  );
}

function LanguagePicker({ workspace }: { workspace: Workspace }) {
  const { language } = workspace.program.value;
  const names = workspace.languages.value.map(({ name }) => name);
  const all = names.includes(language) ? names : [language, ...names];
  return (
    <select
      class="control"
      aria-label="Language"
      value={language}
      onChange={({ currentTarget }) => workspace.selectLanguage(currentTarget.value)}
    >
      {all.map((name) => (
        <option key={name} value={name}>
          {languageName(name)}
        </option>
      ))}
    </select>
  );
}

function VersionPicker({ workspace }: { workspace: Workspace }) {
  const versions = workspace.language.value?.versions ?? [];
  const { version } = workspace.program.value;
  if (versions.length === 1 && (version === undefined || version === versions[0])) {
    return <span class="version wide-only">{versions[0]}</span>;
  }
  if (versions.length === 0 && version === undefined) return null;
  const all = version === undefined || versions.includes(version) ? versions : [...versions, version];
  return (
    <select
      class="control"
      aria-label="Version"
      value={version ?? all[0]}
      onChange={({ currentTarget }) => workspace.selectVersion(currentTarget.value)}
    >
      {all.map((each) => (
        <option key={each}>{each}</option>
      ))}
    </select>
  );
}

function RunButton({ run, isReady, onRun }: { run: Run; isReady: boolean; onRun: () => void }) {
  if (run.isActive.value) {
    return (
      <button
        type="button"
        id="run"
        class="button stop"
        disabled={run.phase.value === "stopping"}
        onClick={() => run.stop()}
      >
        <StopIcon />
        Stop
      </button>
    );
  }
  return (
    <button
      type="button"
      id="run"
      class="button primary"
      disabled={!isReady}
      onClick={onRun}
      title="Ctrl+Enter"
      aria-keyshortcuts="Control+Enter"
    >
      <RunIcon />
      Run
    </button>
  );
}
