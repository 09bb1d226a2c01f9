// Checks that data is a program, field by field: a link or the browser's storage may hold anything.

import { objectionToName } from "./file-name";
import type { Program, SourceFile } from "./program";

/** The service takes fewer. This bounds what a link makes of the page, and spoils no draft. */
const FILES_MAX = 1_000;
const WORD_MAX = 64;

/** The program in this data, without what else it has. @throws Error that says what is wrong. */
export function parseProgram(data: unknown): Program {
  const { language, version, files, args, input } = object(data, "the program");
  return {
    language: text(language, "the language", WORD_MAX),
    ...(version === undefined ? {} : { version: text(version, "the version", WORD_MAX) }),
    files: parseFiles(files),
    args: text(args, "the arguments"),
    input: text(input, "the input"),
  };
}

function parseFiles(data: unknown): [SourceFile, ...SourceFile[]] {
  if (!Array.isArray(data)) throw new Error("the files are no list");
  if (data.length > FILES_MAX) throw new Error(`there are more than ${FILES_MAX} files`);
  const [entry, ...others] = data.map(parseFile);
  if (!entry) throw new Error("there is no file");
  if (new Set(data.map(({ name }) => name)).size < data.length) throw new Error("two files have one name");
  return [entry, ...others];
}

function parseFile(data: unknown): SourceFile {
  const file = object(data, "a file");
  const name = text(file["name"], "the name of a file");
  const objection = objectionToName(name);
  if (objection) throw new Error(objection);
  return { name, content: text(file["content"], `the content of ${name}`) };
}

function object(data: unknown, what: string): Record<string, unknown> {
  if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error(`${what} is no object`);
  return data as Record<string, unknown>;
}

function text(data: unknown, what: string, max = Infinity): string {
  if (typeof data !== "string") throw new Error(`${what} is no text`);
  if (data.length > max) throw new Error(`${what} is too long`);
  return data;
}
