// Edits programs as links and users bring them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseProgram } from "../src/model/parse-program";
import { Workspace } from "../src/model/workspace";
import { readDropped } from "../src/parts/dropped";
import { programOf } from "./programs";

const names = ({ program }: Workspace) => program.peek().files.map(({ name }) => name);

test("a file with the name of the entry gets a free one, and the program can be kept", () => {
  const workspace = new Workspace();
  const files = ["a.py", "main.py", "main2.py"].map((name) => ({ name, content: name }));
  workspace.open(parseProgram({ ...programOf(""), files }));
  assert.deepEqual(names(workspace), ["main.py", "main3.py", "main2.py"]);
  assert.deepEqual(workspace.program.peek().files.map(({ content }) => content), ["a.py", "main.py", "main2.py"]);
  assert.deepEqual(parseProgram(workspace.program.peek()), workspace.program.peek());
});

for (const name of ["a\tb.py", "\u0085", "x".repeat(1_001), " ", "/etc/passwd", "a/../b"]) {
  test(`a file does not get the name ${JSON.stringify(name.slice(0, 20))}, with which no draft could be kept`, async () => {
    assert.ok(new Workspace().objectionTo(name));
    const { added, objections } = await readDropped([{ name, size: 0, arrayBuffer: async () => new ArrayBuffer(0) } as File]);
    assert.deepEqual([added.length, objections.length], [0, 1]);
  });
}
