// Says what a session needs of a way to get tokens, and asks the service about them.

import { CoderunError } from "@coderun/client";

export type Fetch = typeof globalThis.fetch;

/** Gets the tokens of one user. */
export interface TokenSource {
  /** With `forceRefresh` a fresh one, because the last one expires or was refused. */
  token(options: { forceRefresh: boolean }): Promise<string>;
}

/** How long the service may take to answer. */
const ANSWER_MS = 20_000;

/**
 * The JSON of an answer of the service that this page comes from.
 *
 * @throws CoderunError with status 0 if there is no answer, which the client tries again, else with that of a refusal.
 */
export async function askService<T>(fetch: Fetch, path: string, init: RequestInit = {}): Promise<T> {
  try {
    const response = await fetch(path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) throw await CoderunError.of(response);
    return (await response.json()) as T;
  } catch (cause) {
    if (cause instanceof CoderunError) throw cause;
    throw new CoderunError("The service cannot be reached", 0, { cause });
  }
}
