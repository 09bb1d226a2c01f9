// Stores text in the browser. What fails, as in private windows or when it is full, is as if it were not stored.

/** What is used of `localStorage` and `sessionStorage`. */
export type TextStorage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem">;

export class BrowserStorage {
  private storage: TextStorage | undefined;

  /** Even the access to a storage may fail. */
  constructor(open: () => TextStorage | undefined) {
    this.storage = attempt(open);
  }

  get(key: string): string | undefined {
    return attempt(() => this.storage?.getItem(key)) ?? undefined;
  }

  /** Whether the text is stored now. If it is not, the one before is. */
  set(key: string, text: string): boolean {
    return attempt(() => (this.storage?.setItem(key, text), this.storage !== undefined)) ?? false;
  }

  remove(key: string): void {
    attempt(() => this.storage?.removeItem(key));
  }
}

function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
