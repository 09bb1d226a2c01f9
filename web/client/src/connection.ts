// Makes requests with a token, again where that may help.

import { CoderunError, TokenFailure } from "./error.js";
import { abortable, Deadline, Retry } from "./retry.js";
import type { WebSocketConstructor } from "./socket.js";

/** How to reach a service, and as whom. */
export interface ConnectionOptions {
  /** The address of the service, such as `https://run.example` or `/coderun`. Default: the origin of the page. */
  baseUrl?: string;
  /**
   * The token of the user; with `forceRefresh` a fresh one, because the last one expires or was refused. If it fails at first,
   * so does the call; if there has been a token before, it is asked again like a service that cannot be reached.
   */
  getToken: (options: { forceRefresh: boolean }) => string | Promise<string>;
  /** How long a call that fails is tried again before it fails for good, in milliseconds; 0 is never. Default 60 000. */
  retryMs?: number;
  /** Whether a WebSocket is opened with a one-time ticket in its URL, where a proxy drops the subprotocol with the token. */
  tickets?: boolean;
  /** Default: that of the platform. */
  fetch?: typeof globalThis.fetch;
  /** Default: that of the platform, which Node.js has from version 22 on. Without one, messages come as an event stream. */
  WebSocket?: WebSocketConstructor;
}

/** The ways to follow an execution. Each goes through proxies that stop the one before it. */
export enum Transport {
  Socket,
  EventStream,
  Polling,
}

/** How long one attempt may wait for an answer. The service may take up to 30 s of it. */
const ANSWER_MS = 45_000;
/** How long it may then take to read it. */
const BODY_MS = 120_000;
/** How long a way that failed is not tried again: long, but the computer may move to another network. */
const FALLBACK_MS = 600_000;

interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | null | undefined;
  /** Counts the attempts of a request that may have had an effect: all but those that the service refused. */
  effects?: { count: number };
}

export class Connection {
  readonly retryMs: number;
  readonly tickets: boolean;
  readonly WebSocket: WebSocketConstructor | undefined;
  /** The ways that have worked. */
  readonly worked = new Set<Transport>();
  private hasHadToken = false;
  private fallback = Transport.Socket;
  private fallbackUntil = 0;

  constructor(private readonly options: ConnectionOptions) {
    this.retryMs = options.retryMs ?? 60_000;
    this.tickets = options.tickets ?? false;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
  }

  /** The best way to follow an execution that is not known to be stopped. */
  get transport(): Transport {
    if (performance.now() < this.fallbackUntil) return this.fallback;
    return this.WebSocket ? Transport.Socket : Transport.EventStream;
  }

  /** Remembers that a way is stopped, so that the next one is used. */
  fallBackFrom(transport: Transport): void {
    // Another watch may have found out more.
    if (transport !== this.transport) return;
    this.fallback = transport + 1;
    this.fallbackUntil = performance.now() + FALLBACK_MS;
  }

  /** Fails with a `TokenFailure`, or with the error of `getToken` itself as long as there has been no token. */
  async token(forceRefresh: boolean, signal?: AbortSignal | null): Promise<string> {
    try {
      const token = await abortable(this.options.getToken({ forceRefresh }), signal);
      this.hasHadToken = true;
      return token;
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.hasHadToken ? new TokenFailure(cause) : cause;
    }
  }

  url(path: string): string {
    const { baseUrl } = this.options;
    return new URL(baseUrl || "/", globalThis.location?.href).href.replace(/\/$/, "") + path;
  }

  /**
   * Requests a path, and again after a lost answer, 408, 429 or a 5xx, so the request must be safe to repeat; with a fresh
   * token after 401. Any other error of the service is a `CoderunError`.
   */
  async request<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const { signal, effects = { count: 0 } } = options;
    const retry = new Retry(this.retryMs, signal);
    for (let [hasRefreshed, mustRefresh] = [false, false]; ; ) {
      try {
        const token = await this.token(mustRefresh, signal);
        mustRefresh = false;
        effects.count += 1;
        return await this.attempt<T>(path, token, options);
      } catch (error) {
        // A status of 5xx may come from a proxy that has lost the answer.
        if (error instanceof CoderunError && error.status > 0 && error.status < 500) effects.count -= 1;
        signal?.throwIfAborted();
        if (!(error instanceof CoderunError)) throw error;
        if (error.status === 401 && !hasRefreshed) {
          hasRefreshed = mustRefresh = true;
          continue;
        }
        await retry.pauseAfter(error);
      }
    }
  }

  /** Requests a path once: the JSON of the answer, if it has any. */
  async attempt<T>(path: string, token: string, options: RequestOptions = {}): Promise<T> {
    const deadline = new Deadline(options.signal);
    try {
      deadline.start(ANSWER_MS);
      const response = await this.open(path, token, { ...options, signal: deadline.signal });
      deadline.start(BODY_MS);
      return await unlessLost(response.text().then((text) => text && JSON.parse(text)));
    } finally {
      deadline.end();
    }
  }

  /** The answer to one request, whose body is still to be read. */
  async open(path: string, token: string, options: RequestOptions): Promise<Response> {
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    const init = { ...options, headers, signal: options.signal ?? null };
    const response = await unlessLost((this.options.fetch ?? fetch)(this.url(path), init));
    if (!response.ok) throw await CoderunError.of(response);
    return response;
  }
}

/** The result of a promise, whose failure means that an answer was lost. */
export async function unlessLost<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof CoderunError) throw cause;
    throw new CoderunError("The service cannot be reached", 0, { cause });
  }
}
