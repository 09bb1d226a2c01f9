// Gets tokens of the development issuer, and keeps the last one in memory alone.

import { askService, type Fetch, type TokenSource } from "./token-source";

interface Issued {
  token: string;
  /** In seconds. */
  expires_in: number;
}

/** How long before its end a token is replaced. The client of the service does it for open sockets 90 s before. */
const AHEAD_SECONDS = 120;

export class DevelopmentTokens implements TokenSource {
  private current = "";
  private goodUntil = 0;
  private fetching: Promise<string> | undefined;

  constructor(
    private readonly fetch: Fetch,
    private readonly now: () => number,
  ) {}

  async token({ forceRefresh }: { forceRefresh: boolean }): Promise<string> {
    if (!forceRefresh && this.now() < this.goodUntil) return this.current;
    this.fetching ??= this.issue().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async issue(): Promise<string> {
    const { token, expires_in } = await askService<Issued>(this.fetch, "/api/v1/auth/development-token", {
      method: "POST",
    });
    this.current = token;
    this.goodUntil = this.now() + 1_000 * Math.max(expires_in - AHEAD_SECONDS, expires_in / 2);
    return token;
  }
}
