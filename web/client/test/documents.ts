// Takes the programs out of the documents.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { PACKAGE } from "./installed.js";

/** The documents with programs that use the client. */
export const README = join(PACKAGE, "README.md");
export const GUIDE = join(PACKAGE, "../../docs/frontend.md");
export const FRONT_PAGE = join(PACKAGE, "../../README.md");

interface Block {
  /** What follows the opening fence: the language, and a name if the tests ask for it. */
  info: string;
  code: string;
}

/** The fenced blocks of a document. */
export async function blocks(document: string): Promise<Block[]> {
  const found = (await readFile(document, "utf8")).matchAll(/^```([^\n`]+)\n(.*?)^```$/gms);
  return Array.from(found, ([, info = "", code = ""]) => ({ info, code }));
}

/** The only block of a document with this info. */
export async function block(document: string, info: string): Promise<string> {
  const [found, ...more] = (await blocks(document)).filter((block) => block.info === info);
  if (!found || more.length > 0) throw new Error(`${document} must have one block "${info}"`);
  return found.code;
}
