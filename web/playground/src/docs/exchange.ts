// Sends a request and reads its answer piece by piece, within a bound.

import { signal } from "@preact/signals";

import type { Session } from "../model/session";
import type { Operation } from "./operation";
import { formatted, requestOf } from "./request";

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly milliseconds: number;
  readonly text: string;
  /** Whether there is more than is shown, or will be. */
  readonly isPart: boolean;
}

/** What parameters are set to, by their names. */
type Values = Readonly<Record<string, string>>;

/** The most that is shown of an answer. */
const LENGTH_MAX = 200_000;

export class Exchange {
  readonly answer = signal<Answer | undefined>(undefined);
  readonly failure = signal<string | undefined>(undefined);
  readonly isBusy = signal(false);
  private current = new AbortController();

  constructor(
    private readonly session: Pick<Session, "getToken">,
    private readonly operation: Operation,
  ) {}

  /** Sends the request, and again with a fresh token after 401. The text of a whole answer that is no error. */
  async send(values: Values, body: string): Promise<string | undefined> {
    this.current.abort();
    const { signal } = (this.current = new AbortController());
    this.failure.value = this.answer.value = undefined;
    this.isBusy.value = true;
    try {
      return await this.exchange(values, body, signal);
    } catch (error) {
      if (!signal.aborted)
        this.failure.value = error instanceof TypeError ? "The service cannot be reached." : (error as Error).message;
      return undefined;
    } finally {
      if (this.current.signal === signal) this.isBusy.value = false;
    }
  }

  /** Ends the request. What has come of the answer stays. */
  stop(): void {
    this.current.abort();
    this.isBusy.value = false;
  }

  private async exchange(values: Values, body: string, signal: AbortSignal): Promise<string | undefined> {
    const startedAt = performance.now();
    let response = await this.request(values, body, signal, false);
    if (response.status === 401 && this.operation.needsToken) response = await this.request(values, body, signal, true);
    let text = "";
    const show = (isPart: boolean) => {
      const { status, statusText, headers } = response;
      const shown = isPart ? text : formatted(text, headers.get("content-type"));
      this.answer.value = {
        status,
        statusText,
        milliseconds: performance.now() - startedAt,
        text: shown.slice(0, LENGTH_MAX),
        isPart,
      };
    };
    for await (const piece of pieces(response)) {
      if (signal.aborted) return undefined;
      text += piece;
      show(true);
      if (text.length > LENGTH_MAX) return undefined;
    }
    show(false);
    return response.ok ? text : undefined;
  }

  private async request(values: Values, body: string, signal: AbortSignal, forceRefresh: boolean) {
    const token = this.operation.needsToken ? await this.session.getToken({ forceRefresh }) : undefined;
    const { url, init } = requestOf(this.operation, values, body, token);
    return fetch(url, { ...init, signal });
  }
}

/** The text of an answer as it comes. Leaving the loop ends it. */
async function* pieces(response: Response): AsyncGenerator<string, void, void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) yield next.value;
  } finally {
    reader?.cancel().catch(() => {});
  }
}
