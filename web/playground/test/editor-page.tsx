// Shows an editor with two files, for the tests of the editor.

import { signal } from "@preact/signals";
import { render } from "preact";

import type { EditorHandle } from "../src/editor/editor";
import { LazyEditor } from "../src/editor/lazy-editor";
import type { Mistake } from "../src/model/program";
import "../src/style/code.css";
import "./editor-page.css";

const language = signal("python");
const files = signal<Record<string, string>>({ "main.py": "" });
const shown = signal("main.py");
const mistakes = signal<readonly Mistake[]>([]);
let handle: EditorHandle | null = null;
let runs = 0;

/** What tests do to the page, and see of it. */
const editorPage = {
  open(name: string, content: string, ofLanguage = language.value) {
    files.value = { ...files.value, [name]: content };
    shown.value = name;
    language.value = ofLanguage;
  },
  show: (name: string) => (shown.value = name),
  content: (name = shown.value) => files.value[name],
  mark: (found: readonly Mistake[]) => (mistakes.value = found),
  reveal: (line: number, column?: number) => handle?.reveal(line, column),
  hasHandle: () => handle !== null,
  runs: () => runs,
};
export type EditorPage = typeof editorPage;
Object.assign(globalThis, { editorPage });

function Page() {
  const name = shown.value;
  return (
    <main>
      <h1>Editor</h1>
      <button type="button">Before</button>
      <div class="frame">
        <LazyEditor
          file={{ name, content: files.value[name] ?? "" }}
          language={language.value}
          words={() => ["further_word"]}
          label={`Code of ${name}`}
          mistakes={mistakes.value.filter(({ file }) => file === name)}
          onChange={(content) => (files.value = { ...files.value, [name]: content })}
          onRun={() => (runs += 1)}
          handle={(given) => (handle = given)}
        />
      </div>
      <button type="button">After</button>
    </main>
  );
}

render(<Page />, document.getElementById("app") as HTMLElement);
