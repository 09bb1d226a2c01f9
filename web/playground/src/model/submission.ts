// Makes the submission of a program.

import type { Submission } from "@coderun/client";

import { splitArguments } from "./arguments";
import type { Program } from "./program";

/** The submission. A program without input is interactive: the user types while it runs. */
export function submissionOf({ language, version, files, args, input }: Program): Submission {
  const [entry, ...others] = files;
  return {
    language,
    code: entry.content,
    ...(version === undefined ? {} : { version }),
    ...(args.trim() === "" ? {} : { args: splitArguments(args) }),
    ...(others.length === 0 ? {} : { files: others.map(({ name, content }) => ({ name, content, encoding: "utf-8" })) }),
    ...(input === "" ? { interactive: true } : { input }),
  };
}
