// Makes programs and storages for tests.

import type { TextStorage } from "../src/model/browser-storage";
import type { Program } from "../src/model/program";

export const PROGRAM: Program = {
  language: "python",
  version: "3.11",
  files: [
    { name: "main.py", content: "print('Grüße, 世界 🎉')\n" },
    { name: "data/list.txt", content: "1\r\n2\t\u0000" },
  ],
  args: "--name 'Ada Lovelace'",
  input: "42\n",
};

/** A program whose only file has this content. */
export function programOf(content: string): Program {
  return { language: "python", files: [{ name: "main.py", content }], args: "", input: "" };
}

/** Text that cannot be compressed. */
export function noise(length: number): string {
  const bytes = new Uint8Array((length * 3) / 4 + 3);
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Buffer.from(bytes).toString("base64").slice(0, length);
}

/** A storage in memory, which is full beyond some length. */
export class MemoryStorage implements TextStorage {
  readonly texts = new Map<string, string>();

  constructor(private readonly max = Infinity) {}

  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }

  setItem(key: string, text: string): void {
    const others = [...this.texts].filter(([other]) => other !== key);
    const length = others.reduce((sum, [other, { length }]) => sum + other.length + length, 0);
    if (length + key.length + text.length > this.max) throw new DOMException("full", "QuotaExceededError");
    this.texts.set(key, text);
  }

  removeItem(key: string): void {
    this.texts.delete(key);
  }
}
