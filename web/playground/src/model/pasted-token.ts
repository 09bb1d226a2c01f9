// Keeps a token that the user pastes, until the tab is closed or the service refuses it.

import { CoderunError } from "@coderun/client";

import type { BrowserStorage } from "./browser-storage";
import { nameInToken } from "./claims";
import { askService, type Fetch, type TokenSource } from "./token-source";

interface Verified {
  user: { uid: string; email: string | null; name: string | null };
}

const KEY = "coderun.token";
const EXPIRED = "Your token has expired or was refused. Paste a fresh one.";

export class PastedToken implements TokenSource {
  private current: string | undefined;

  constructor(
    private readonly fetch: Fetch,
    private readonly storage: BrowserStorage,
    /** Told when the service refuses the token. */
    private readonly onRefused: (why: string) => void,
  ) {}

  /** Takes up the token of this tab. The name of its user, or undefined without a good token. */
  async restore(): Promise<string | undefined> {
    const token = this.storage.get(KEY);
    if (!token) return undefined;
    try {
      return await this.use(token);
    } catch (error) {
      if (isRefusal(error)) this.forget();
      // A service that does not answer now says nothing about the token.
      else this.current = token;
      return this.current && (nameInToken(token) ?? "");
    }
  }

  /**
   * Takes a token if the service does. The name of its user.
   *
   * @throws CoderunError with words for the user.
   */
  async use(text: string): Promise<string> {
    const token = text.trim().replace(/^Bearer\s+/i, "");
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new CoderunError("This is not a token: it has none, or other characters than a token has.", 0);
    const { uid, email, name } = await this.verify(token);
    this.current = token;
    this.storage.set(KEY, token);
    return name ?? email ?? uid;
  }

  async token({ forceRefresh }: { forceRefresh: boolean }): Promise<string> {
    const token = this.current;
    if (token === undefined) throw new Error("Paste a token first.");
    if (forceRefresh) await this.check(token);
    return token;
  }

  forget(): void {
    this.current = undefined;
    this.storage.remove(KEY);
  }

  /** Asks whether a token is still good: there is no way to replace it. */
  private async check(token: string): Promise<void> {
    try {
      await this.verify(token);
    } catch (error) {
      // Meanwhile the user may have pasted another one.
      if (!isRefusal(error) || token !== this.current) throw error;
      this.forget();
      this.onRefused(EXPIRED);
      throw new Error(EXPIRED, { cause: error });
    }
  }

  private async verify(token: string): Promise<Verified["user"]> {
    const headers = { Authorization: `Bearer ${token}` };
    const { user } = await askService<Verified>(this.fetch, "/api/v1/auth/verify", { headers });
    return user;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof CoderunError && (error.status === 401 || error.status === 403);
}
