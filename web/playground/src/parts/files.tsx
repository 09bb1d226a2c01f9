// Shows the files as tabs, and adds, renames and deletes them.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import type { SourceFile } from "../model/program";
import type { Workspace } from "../model/workspace";
import { AddIcon, DeleteIcon, RenameIcon } from "./icons";

export const EDITOR_ID = "editor";

interface Props {
  workspace: Workspace;
  /** The names of files with mistakes. */
  wrong: ReadonlySet<string>;
  notify: (text: string, undo?: () => void) => void;
}

export function Files({ workspace, wrong, notify }: Props) {
  const { files } = workspace.program.value;
  const active = workspace.active.value;
  const renamed = useSignal<number | undefined>(undefined);
  const list = useRef<HTMLDivElement>(null);

  const add = () => {
    workspace.addFiles([{ name: freeName(files, workspace.activeFile.value.name), content: "" }]);
    renamed.value = workspace.active.value;
  };
  const loadExample = () => {
    const before = workspace.program.peek();
    workspace.loadExample();
    notify("This is the example of the language.", () => workspace.open(before));
  };
  const remove = () => {
    const file = workspace.deleteFile(active);
    if (file) notify(`${file.name} is deleted.`, () => workspace.addFiles([file]));
  };
  const moveFocus = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Delete" && active > 0) return remove();
    if (event.key === "F2" && active > 0) renamed.value = active;
    if (step === undefined) return;
    event.preventDefault();
    workspace.active.value = (active + step + files.length) % files.length;
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[workspace.active.value]?.focus();
  };

  return (
    <div class="files">
      {renamed.value === undefined ? (
        <div class="tabs" role="tablist" aria-label="Files" ref={list} onKeyDown={moveFocus}>
          {files.map(({ name }, place) => (
            <button
              type="button"
              key={name}
              role="tab"
              class={wrong.has(name) ? "tab wrong" : "tab"}
              aria-selected={place === active}
              aria-controls={EDITOR_ID}
              tabIndex={place === active ? 0 : -1}
              onClick={() => (workspace.active.value = place)}
              onDblClick={() => place > 0 && (renamed.value = place)}
            >
              {name}
            </button>
          ))}
        </div>
      ) : (
        <NameField workspace={workspace} place={renamed.value} notify={notify} onDone={() => (renamed.value = undefined)} />
      )}
      <div class="file-tools">
        <button
          type="button"
          class="button quiet small"
          aria-label="Add a file"
          title="Add a file, or drop files into the editor"
          onClick={add}
        >
          <AddIcon />
        </button>
        {active > 0 && (
          <>
            <button
              type="button"
              class="button quiet small"
              aria-label="Rename the file"
              title="Rename (F2)"
              onClick={() => (renamed.value = active)}
            >
              <RenameIcon />
            </button>
            <button
              type="button"
              class="button quiet small"
              aria-label="Delete the file"
              title="Delete"
              onClick={remove}
            >
              <DeleteIcon />
            </button>
          </>
        )}
      </div>
      <span class="spring" />
      {!workspace.isExample.value && (
        <button
          type="button"
          class="button quiet small"
          title="Replace the program by the example of its language"
          onClick={loadExample}
        >
          Example
        </button>
      )}
    </div>
  );
}

function NameField({ workspace, place, notify, onDone }: Pick<Props, "workspace" | "notify"> & { place: number; onDone: () => void }) {
  const before = workspace.program.value.files[place]?.name ?? "";
  const field = useRef<HTMLInputElement>(null);
  const isDone = useRef(false);
  useEffect(() => field.current?.select(), []);
  const finish = (isKept: boolean) => {
    if (isDone.current) return;
    isDone.current = true;
    const name = field.current?.value.trim() ?? before;
    const objection = isKept ? workspace.objectionTo(name, place) : undefined;
    if (objection) notify(objection);
    else if (isKept) workspace.renameFile(place, name);
    onDone();
  };
  return (
    <input
      class="control tab-name"
      aria-label="Name of the file"
      ref={field}
      defaultValue={before}
      onBlur={() => finish(true)}
      onKeyDown={({ key }) => {
        if (key === "Enter" || key === "Escape") finish(key === "Enter");
      }}
    />
  );
}

/** A name that no file has, with the ending of the file that is shown. */
function freeName(files: readonly SourceFile[], shown: string): string {
  const ending = /\.[^./]+$/.exec(shown)?.[0] ?? ".txt";
  const taken = new Set(files.map(({ name }) => name));
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? `module${ending}` : `module${count}${ending}`;
    if (!taken.has(name)) return name;
  }
}
