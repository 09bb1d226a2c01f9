// Keeps one client for each service that the snippets of a page use, with the page's function for tokens.

import { Coderun } from "../client.js";

/** Gives the token of the user; with `forceRefresh` a fresh one, because the last one expires or was refused. */
export type TokenFunction = (options: { forceRefresh: boolean }) => string | Promise<string>;

export interface SnippetOptions {
  /** Gives the token of the user. Default: the page's `globalThis.coderunToken`. */
  getToken?: TokenFunction;
  /** The address of the service, for snippets without `service`. Default: the origin of the page. */
  baseUrl?: string;
}

declare global {
  var coderunToken: TokenFunction | undefined;
}

/** Tells the author of a page what is wrong with it. */
export class PageError extends Error {}

const NO_FUNCTION =
  "This page does not say who runs its programs. Its author must define a function that gives the user's token: " +
  'globalThis.coderunToken = async ({ forceRefresh }) => "…"';

const clients = new Map<string, Coderun>();
let settings: SnippetOptions = {};

/** What holds for all snippets of the page. */
export function configure(options: SnippetOptions): void {
  settings = options;
}

/** The client of a service, by default that of the page. */
export function clientOf(service: string | null): Coderun {
  const address = service || settings.baseUrl || "/";
  if (!URL.canParse(address, document.baseURI)) throw new PageError(`This is not the address of a service: ${address}`);
  const baseUrl = new URL(address, document.baseURI).href;
  const client = clients.get(baseUrl) ?? new Coderun({ baseUrl, getToken });
  clients.set(baseUrl, client);
  return client;
}

/** Asks the page, whose function may come later than its snippets. */
async function getToken(options: { forceRefresh: boolean }): Promise<string> {
  const ask = settings.getToken ?? globalThis.coderunToken;
  if (typeof ask !== "function") throw new PageError(NO_FUNCTION);
  const token: unknown = await callPage(() => ask(options));
  if (typeof token !== "string" || token === "")
    throw new PageError("This page has no token for you. You may have to log in.");
  return token;
}

async function callPage<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new PageError(`There is no token: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
