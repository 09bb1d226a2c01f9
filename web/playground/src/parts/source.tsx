// Shows the files, the editor, and what the program is given.

import { useSignal } from "@preact/signals";

import type { EditorHandle } from "../editor/editor";
import { LazyEditor } from "../editor/lazy-editor";
import type { Mistake } from "../model/program";
import type { Workspace } from "../model/workspace";
import { readDropped } from "./dropped";
import { EDITOR_ID, Files } from "./files";

interface Props {
  workspace: Workspace;
  mistakes: readonly Mistake[];
  onRun: () => void;
  notify: (text: string, undo?: () => void) => void;
  handle: (handle: EditorHandle | null) => void;
}

export function Source({ workspace, mistakes, onRun, notify, handle }: Props) {
  const isDropping = useSignal(false);
  const file = workspace.activeFile.value;
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    isDropping.value = false;
    const { added, objections } = await readDropped(event.dataTransfer?.files ?? []);
    if (added.length > 0) workspace.addFiles(added);
    for (const objection of objections) notify(objection);
  };
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  return (
    <section class="pane source" aria-label="Program">
      <Files workspace={workspace} wrong={new Set(mistakes.map((mistake) => mistake.file))} notify={notify} />
      <div
        id={EDITOR_ID}
        class={isDropping.value ? "editor-frame dropping" : "editor-frame"}
        role="tabpanel"
        aria-label={file.name}
        onDragOver={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          isDropping.value = true;
        }}
        onDragLeave={() => (isDropping.value = false)}
        onDropCapture={(event) => {
          if (hasFiles(event)) void drop(event);
        }}
      >
        <LazyEditor
          file={file}
          language={workspace.program.value.language}
          words={() => workspace.words()}
          label={`Code of ${file.name}`}
          mistakes={mistakes.filter((mistake) => mistake.file === file.name)}
          onChange={(content) => workspace.edit(content)}
          onRun={onRun}
          handle={handle}
        />
      </div>
      <Given workspace={workspace} />
    </section>
  );
}

/** The arguments and the input. */
function Given({ workspace }: { workspace: Workspace }) {
  const { args, input } = workspace.program.value;
  const given = [args.trim() && "arguments", input && "input"].filter(Boolean).join(" and ");
  return (
    <details class="given">
      <summary>Arguments and input{given && ` (with ${given})`}</summary>
      <div class="fields">
        <label>
          Arguments
          <input
            class="control"
            value={args}
            spellcheck={false}
            autocapitalize="off"
            placeholder={'such as: --name "Ada Lovelace" 36'}
            onInput={({ currentTarget }) => workspace.setArguments(currentTarget.value)}
          />
        </label>
        <label>
          Input, all at once. Leave it empty to type while the program runs.
          <textarea
            class="control"
            rows={3}
            value={input}
            spellcheck={false}
            autocapitalize="off"
            onInput={({ currentTarget }) => workspace.setInput(currentTarget.value)}
          />
        </label>
      </div>
    </details>
  );
}
