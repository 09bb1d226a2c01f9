// Knows who the user is, and gives tokens to the client of the service.

import { computed, signal } from "@preact/signals";

import { CoderunError } from "@coderun/client";

import { BrowserStorage, type TextStorage } from "./browser-storage";
import { nameInToken } from "./claims";
import { DevelopmentTokens } from "./development-tokens";
import type { FirebaseAccount, FirebaseSettings } from "./firebase";
import { PastedToken } from "./pasted-token";
import { askService, type Fetch, type TokenSource } from "./token-source";

/** How people sign in, as `/api/v1/capabilities` tells it; null where the page has no way of its own. */
export type SignInOffer = { kind: "development" } | FirebaseSettings | null;
/** With `token` the user pastes one. */
export type SignInKind = "development" | "firebase" | "emulator" | "token";
export type SessionState = "loading" | "signed-out" | "signed-in";

/** What a session uses of its surroundings. Tests give others. */
export interface SessionOptions {
  fetch?: Fetch;
  /** Of this tab alone. */
  tab?: () => TextStorage | undefined;
  now?: () => number;
  loadFirebase?: () => Promise<Pick<typeof import("./firebase"), "openAccount">>;
  /** How long to wait before a service that did not answer is asked again. */
  retryMs?: number;
}

const RETRY_MS = 1_000;
const NO_TOKEN = "This service has no sign-in on the page. Paste a token to run programs.";
const NO_DEVELOPMENT_TOKEN =
  "The service gives no development token to this address. Open the one that it printed, or paste a token.";
const NO_FIREBASE = "The sign-in could not be loaded. Check the network, and reload the page.";
const SIGNED_OUT = "Sign in to run programs.";

export class Session {
  readonly state = signal<SessionState>("loading");
  /** What the user is called, if the token tells it. */
  readonly userName = signal<string | undefined>(undefined);
  /** Why the user is not signed in, in words. */
  readonly failure = signal<string | undefined>(undefined);
  /** How the user signs in; undefined until the service has told it. */
  readonly kind = signal<SignInKind | undefined>(undefined);
  /** Whether the user is signed in without doing anything. */
  readonly isAutomatic = computed(() => this.kind.value === "development");
  /** The user's account, with Firebase alone. */
  account: FirebaseAccount | undefined;

  private beginning: Promise<void> | undefined;
  private source: TokenSource | undefined;
  private readonly pasted: PastedToken;
  private readonly fetch: Fetch;
  private readonly now: () => number;
  private readonly loadFirebase: NonNullable<SessionOptions["loadFirebase"]>;
  private readonly retryMs: number;

  constructor(options: SessionOptions = {}) {
    // A method of the window must not be called as one of the session.
    this.fetch = options.fetch ?? ((path, init) => fetch(path, init));
    this.now = options.now ?? Date.now;
    this.loadFirebase = options.loadFirebase ?? (() => import("./firebase"));
    this.retryMs = options.retryMs ?? RETRY_MS;
    const tab = new BrowserStorage(options.tab ?? (() => globalThis.sessionStorage));
    this.pasted = new PastedToken(this.fetch, tab, (why) => this.leave(why));
  }

  /** Finds out how people sign in, and signs the user in where nothing needs to be asked. */
  begin(): Promise<void> {
    return (this.beginning ??= this.findOut());
  }

  /** The token of the user, for the client of the service. It waits until it is known who that is. */
  readonly getToken = async (options: { forceRefresh: boolean }): Promise<string> => {
    await this.beginning;
    if (!this.source) throw new Error(SIGNED_OUT);
    return this.source.token(options);
  };

  /**
   * Signs in with a token that the user pastes.
   *
   * @throws CoderunError with the service's objection.
   */
  async useToken(text: string): Promise<void> {
    this.enter(await this.pasted.use(text));
  }

  async signOut(): Promise<void> {
    this.pasted.forget();
    await this.account?.signOut();
    this.leave(undefined);
  }

  private async findOut(): Promise<void> {
    // A service without this path is an older one, which has no sign-in.
    const offer = await this.untilAnswered(() => this.offer()).catch(() => null);
    if (offer?.kind === "development") return this.beginDevelopment();
    if (offer?.kind === "firebase" || offer?.kind === "emulator") return this.beginFirebase(offer);
    return this.beginPasted(NO_TOKEN);
  }

  private async offer(): Promise<SignInOffer> {
    const { sign_in } = await askService<{ sign_in?: SignInOffer }>(this.fetch, "/api/v1/capabilities");
    return sign_in ?? null;
  }

  private async beginDevelopment(): Promise<void> {
    const tokens = new DevelopmentTokens(this.fetch, this.now);
    try {
      const token = await this.untilAnswered(() => tokens.token({ forceRefresh: false }));
      this.source = tokens;
      this.kind.value = "development";
      this.enter(nameInToken(token));
    } catch {
      await this.beginPasted(NO_DEVELOPMENT_TOKEN);
    }
  }

  private async beginPasted(reason: string): Promise<void> {
    this.source = this.pasted;
    this.kind.value = "token";
    const name = await this.pasted.restore();
    if (name === undefined) this.leave(reason);
    else this.enter(name);
  }

  private async beginFirebase(settings: FirebaseSettings): Promise<void> {
    this.kind.value = settings.kind;
    try {
      const { openAccount } = await this.loadFirebase();
      this.account = await openAccount(settings, (name) =>
        name === undefined ? this.leave(undefined) : this.enter(name),
      );
      this.source = this.account;
    } catch {
      this.leave(NO_FIREBASE);
    }
  }

  private enter(name: string | undefined): void {
    this.userName.value = name || undefined;
    this.failure.value = undefined;
    this.state.value = "signed-in";
  }

  private leave(why: string | undefined): void {
    this.userName.value = undefined;
    this.failure.value = why;
    this.state.value = "signed-out";
  }

  /** Asks the service until it answers: it may have just been started. What it refuses for good is an error. */
  private async untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof CoderunError && error.isTransient)) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.max(this.retryMs, error.retryAfterMs)));
      }
    }
  }
}
