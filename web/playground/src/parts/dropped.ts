// Reads files that the user drops into the page.

import { objectionToName } from "../model/file-name";
import type { SourceFile } from "../model/program";

/** The most bytes of a dropped file: the service takes 2 MiB for a whole submission. */
const FILE_MAX = 1024 * 1024;

/** The texts among some files, and a sentence for each file that is none. */
export async function readDropped(files: Iterable<File>): Promise<{ added: SourceFile[]; objections: string[] }> {
  const added: SourceFile[] = [];
  const objections: string[] = [];
  for (const file of files) {
    try {
      if (file.size > FILE_MAX) throw new Error("it has more than 1 MiB");
      if (objectionToName(file.name)) throw new Error("its name cannot be that of a file here");
      const bytes = await file.arrayBuffer();
      added.push({ name: file.name, content: new TextDecoder("utf-8", { fatal: true }).decode(bytes) });
    } catch (error) {
      const reason = error instanceof TypeError ? "it is not text in UTF-8" : (error as Error).message;
      objections.push(`${file.name} was not added: ${reason}.`);
    }
  }
  return { added, objections };
}
