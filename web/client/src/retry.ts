// Bounds and spreads the attempts of a call.

import { CoderunError, TokenFailure } from "./error.js";

const FIRST_PAUSE_MS = 250;
const PAUSE_MAX_MS = 10_000;
/** The most that one attempt counts, so that a computer which slept meanwhile does not give up when it wakes. */
const ATTEMPT_MAX_MS = 15_000;

/** The attempts of one call. It fails for good once they and the pauses between them have taken the total time. */
export class Retry {
  private failures = 0;
  private spentMs = 0;
  private startedAt = performance.now();

  constructor(
    private readonly totalMs: number,
    private readonly signal?: AbortSignal | null,
  ) {}

  /** Notes that an attempt has got on: the next failure is the first one again. */
  reset(): void {
    this.failures = 0;
    this.spentMs = 0;
    this.startedAt = performance.now();
  }

  /** Notes that the service answers, though the attempt may not get on: the next pause is a short one. */
  hurry(): void {
    this.failures = 0;
  }

  /** Waits after a failed attempt until the next one is due. Fails with the failure if no attempt can change it, or none is left. */
  async pauseAfter(failure: CoderunError): Promise<void> {
    const pauseMs = failure.retryAfterMs + backoffMs(this.failures);
    this.failures += 1;
    this.spentMs += Math.min(performance.now() - this.startedAt, ATTEMPT_MAX_MS) + pauseMs;
    if (!failure.isTransient || this.spentMs > this.totalMs) throw failure instanceof TokenFailure ? failure.cause : failure;
    await pause(pauseMs, this.signal);
    this.startedAt = performance.now();
  }
}

/** The pause after this many earlier failures: it doubles up to 10 s, and varies so that clients come apart. */
function backoffMs(failures: number): number {
  return Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Waits, unless the signal ends the wait: then it fails with the signal's reason. */
export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const wait = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  return abortable(wait, signal).finally(() => clearTimeout(timer));
}

/** The result of a promise, unless the signal comes first: then it fails with the signal's reason. */
export function abortable<T>(promise: T | Promise<T>, signal?: AbortSignal | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener("abort", abort));
  });
}

/** Ends a request with its caller's signal, or when the service says nothing for too long. */
export class Deadline {
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly outer?: AbortSignal | null) {
    if (outer?.aborted) this.abort();
    outer?.addEventListener("abort", this.abort);
  }

  /** Sets how long the service may say nothing from now on. */
  start(milliseconds: number): void {
    this.stop();
    const failure = new CoderunError("The service does not answer", 0);
    this.timer = setTimeout(() => this.controller.abort(failure), milliseconds);
  }

  /** Lets the service say nothing until the next start. */
  stop(): void {
    clearTimeout(this.timer);
  }

  /** Ends what is still going on. */
  end(): void {
    this.stop();
    this.outer?.removeEventListener("abort", this.abort);
    this.controller.abort();
  }

  private readonly abort = () => this.controller.abort(this.outer?.reason);
}
