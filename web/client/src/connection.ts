// Makes requests with a token, again where that may help.

import { CoderunError } from "./error.js";
import { backoffMs, pause } from "./pause.js";

/** How to reach a service, and as whom. */
export interface ConnectionOptions {
  /** The address of the service, such as `https://run.example`. */
  baseUrl: string;
  /** The token of the user; with `forceRefresh` a fresh one, because the last one was refused. */
  getToken: (options: { forceRefresh: boolean }) => string | Promise<string>;
  /** Attempts of a request or a connection before it fails. Default 5. */
  attempts?: number;
  /** Default: that of the platform. */
  fetch?: typeof globalThis.fetch;
  /** Default: that of the platform, which Node.js has from version 22 on. */
  WebSocket?: typeof globalThis.WebSocket;
}

/** The longest pause that an answer may ask for and is waited for. */
const RETRY_AFTER_MAX_MS = 30_000;

export class Connection {
  readonly attempts: number;
  readonly WebSocket: typeof globalThis.WebSocket;

  constructor(private readonly options: ConnectionOptions) {
    this.attempts = options.attempts ?? 5;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
  }

  token(forceRefresh: boolean): string | Promise<string> {
    return this.options.getToken({ forceRefresh });
  }

  socketUrl(path: string): string {
    return this.options.baseUrl.replace(/^http/, "ws").replace(/\/$/, "") + path;
  }

  /**
   * Requests a path, and again after a lost answer, 429 or 503, so the request must be safe to repeat; with a fresh token
   * after 401. Any other error of the service is a `CoderunError`.
   */
  async request(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const url = this.options.baseUrl.replace(/\/$/, "") + path;
    let isRefused = false;
    for (let failures = 0; ; ) {
      const headers = { ...init.headers, Authorization: `Bearer ${await this.token(isRefused)}` };
      let failure: CoderunError;
      let pauseMs = backoffMs(failures);
      try {
        const response = await (this.options.fetch ?? fetch)(url, { ...init, headers });
        if (response.ok) return response;
        failure = await CoderunError.of(response);
        if (response.status === 401 && !isRefused) {
          isRefused = true;
          continue;
        }
        if (response.status !== 429 && response.status !== 503) throw failure;
        pauseMs = Math.max(pauseMs, retryAfterMs(response.headers.get("retry-after")));
      } catch (error) {
        init.signal?.throwIfAborted();
        if (error instanceof CoderunError) throw error;
        failure = new CoderunError("The service cannot be reached", 0, undefined, { cause: error });
      }
      failures += 1;
      if (failures >= this.attempts || pauseMs > RETRY_AFTER_MAX_MS) throw failure;
      await pause(pauseMs, init.signal);
    }
  }
}

/** The pause that a `Retry-After` asks for, in seconds or until a date; 0 if it is neither. */
function retryAfterMs(value: string | null): number {
  const seconds = Number(value);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(value ?? "") - Date.now() : 1000 * seconds;
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
}
