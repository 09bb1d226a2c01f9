// Keeps the program that the user edits: its files, its language, its input.

import { computed, signal } from "@preact/signals";

import { entryName } from "../editor/languages";
import { objectionToName } from "./file-name";
import type { Language } from "./languages";
import type { Program, SourceFile } from "./program";

type Files = Program["files"];

const EMPTY: Program = { language: "python", files: [{ name: "main.py", content: "" }], args: "", input: "" };

export class Workspace {
  readonly languages = signal<readonly Language[]>([]);
  readonly program = signal<Program>(EMPTY);
  /** The place of the file that the editor shows. */
  readonly active = signal(0);
  readonly activeFile = computed(() => this.program.value.files[this.active.value] ?? this.program.value.files[0]);
  readonly language = computed(() => this.languages.value.find(({ name }) => name === this.program.value.language));
  /** Whether the program is the example of its language. */
  readonly isExample = computed(() => {
    const { files, args, input, language } = this.program.value;
    return files.length === 1 && args + input === "" && files[0].content === this.exampleOf(language);
  });
  /** What the user has written in the languages that are not shown. */
  private readonly drafts = new Map<string, Program>();

  /** Shows a program. Its first file gets the name that the service gives it. */
  open(program: Program): void {
    this.program.value = { ...program, files: withEntryName(program.files, entryName(program.language)) };
    this.active.value = 0;
  }

  /** Changes the language: to what the user wrote in it before, or its example. */
  selectLanguage(name: string): void {
    const before = this.program.peek();
    if (name === before.language) return;
    if (!this.isExample.peek()) this.drafts.set(before.language, before);
    this.open(this.drafts.get(name) ?? this.example(name));
  }

  /** Replaces everything by the example of the language. */
  loadExample(): void {
    const { language, version } = this.program.peek();
    this.open({ ...this.example(language), ...(version === undefined ? {} : { version }) });
  }

  /** Takes a version, or the service's first one. */
  selectVersion(version: string | undefined): void {
    const { version: _, ...program } = this.program.peek();
    this.program.value = version === undefined ? program : { ...program, version };
  }

  setArguments(args: string): void {
    this.program.value = { ...this.program.peek(), args };
  }

  setInput(input: string): void {
    this.program.value = { ...this.program.peek(), input };
  }

  /** Takes what the editor has of the file that it shows. */
  edit(content: string): void {
    const active = this.active.peek();
    this.changeFiles((file, index) => (index === active ? { ...file, content } : file));
  }

  /** Adds files and shows the last one. One of the same name is replaced. */
  addFiles(added: readonly SourceFile[]): void {
    const files = [...this.program.peek().files] as [SourceFile, ...SourceFile[]];
    for (const file of added) {
      const place = files.findIndex(({ name }) => name === file.name);
      if (place < 0) files.push(file);
      else files[place] = file;
      this.active.value = place < 0 ? files.length - 1 : place;
    }
    this.program.value = { ...this.program.peek(), files };
  }

  /** Why a file may not have this name in this program, or undefined. */
  objectionTo(name: string, ofPlace?: number): string | undefined {
    const objection = objectionToName(name);
    if (objection) return objection;
    const isTaken = this.program.peek().files.some((file, place) => file.name === name && place !== ofPlace);
    return isTaken ? `There is a file ${name} already.` : undefined;
  }

  /** Renames a file other than the entry. */
  renameFile(place: number, name: string): void {
    if (place > 0) this.changeFiles((file, index) => (index === place ? { ...file, name } : file));
  }

  /** Deletes a file other than the entry, and gives it back. */
  deleteFile(place: number): SourceFile | undefined {
    const { files } = this.program.peek();
    const deleted = place > 0 ? files[place] : undefined;
    if (!deleted) return undefined;
    const [entry, ...others] = files;
    this.program.value = { ...this.program.peek(), files: [entry, ...others.filter((file) => file !== deleted)] };
    if (this.active.peek() >= place) this.active.value -= 1;
    return deleted;
  }

  /** Words of all files, for the editor to complete. */
  *words(): Generator<string> {
    for (const { content } of this.program.peek().files) {
      for (const [word] of content.slice(0, 100_000).matchAll(/[\p{L}_][\p{L}\p{N}_]{2,}/gu)) yield word;
    }
  }

  private exampleOf(name: string): string {
    return this.languages.value.find((language) => language.name === name)?.example ?? "";
  }

  private example(language: string): Program {
    return { language, files: [{ name: entryName(language), content: this.exampleOf(language) }], args: "", input: "" };
  }

  private changeFiles(change: (file: SourceFile, index: number) => SourceFile): void {
    const [entry, ...others] = this.program.peek().files;
    const files: Files = [change(entry, 0), ...others.map((file, index) => change(file, index + 1))];
    this.program.value = { ...this.program.peek(), files };
  }
}

/** The files, of which the first one has this name. Another file that had it, as links may bring, gets a free one. */
function withEntryName([entry, ...others]: Files, name: string): Files {
  const taken = new Set([name, ...others.map((file) => file.name)]);
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = name.replace(/(?=\.[^.]*$)/, String(count));
  return [{ ...entry, name }, ...others.map((file) => (file.name === name ? { ...file, name: free } : file))];
}
