// Remembers the programs of the last executions, compressed, within bounds.

import type { BrowserStorage } from "./browser-storage";
import type { Program } from "./program";
import { decode, encode } from "./share";

/** Each program is under a key of its own, so that a run stores no more than its own program. */
const KEY = "coderun.program.";
/** The ids, from the oldest to the newest, and how long their programs are. */
const INDEX = "coderun.programs";
const COUNT_MAX = 50;
const LENGTH_MAX = 1_000_000;

type Index = [id: string, length: number][];

export class RememberedPrograms {
  constructor(private readonly storage: BrowserStorage) {}

  /** Remembers a program, and drops the oldest ones beyond the bounds. One that is too large is not remembered. */
  async add(id: string, program: Program): Promise<void> {
    const text = await encode(program);
    if (text.length > LENGTH_MAX) return;
    const index = this.index().filter(([other]) => other !== id);
    while (index.length >= COUNT_MAX || total(index) + text.length > LENGTH_MAX) this.drop(index);
    // The browser may have less room than that.
    while (!this.storage.set(KEY + id, text)) if (!this.drop(index)) return;
    this.save([...index, [id, text.length]]);
  }

  async find(id: string): Promise<Program | undefined> {
    const text = this.storage.get(KEY + id);
    return text === undefined ? undefined : decode(text).catch(() => undefined);
  }

  /** Forgets one program, or all. */
  remove(id?: string): void {
    const index = this.index();
    const isMeant = ([other]: Index[number]) => id === undefined || other === id;
    for (const [other] of index.filter(isMeant)) this.storage.remove(KEY + other);
    this.save(index.filter((entry) => !isMeant(entry)));
  }

  /** Forgets the oldest program. Whether there was one. */
  private drop(index: Index): boolean {
    const oldest = index.shift();
    if (oldest) this.storage.remove(KEY + oldest[0]);
    return oldest !== undefined;
  }

  private save(index: Index): void {
    if (index.length === 0) this.storage.remove(INDEX);
    else this.storage.set(INDEX, JSON.stringify(index));
  }

  private index(): Index {
    try {
      const data: unknown = JSON.parse(this.storage.get(INDEX) ?? "[]");
      return Array.isArray(data) ? data.filter(isEntry) : [];
    } catch {
      return [];
    }
  }
}

function isEntry(data: unknown): data is Index[number] {
  return Array.isArray(data) && typeof data[0] === "string" && typeof data[1] === "number";
}

function total(index: Index): number {
  return index.reduce((sum, [, length]) => sum + length, 0);
}
