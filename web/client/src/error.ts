// Reports what the service refuses, or that it cannot be reached.

import type { components } from "./generated/openapi.js";

type Problem = components["schemas"]["Problem"];

export interface CoderunErrorOptions extends ErrorOptions {
  problem?: Problem | undefined;
  retryAfterMs?: number;
}

/** An answer of the service that is an error, or the lack of an answer. */
export class CoderunError extends Error {
  override readonly name = "CoderunError";
  /** What the service says (RFC 9457), with a pointer to each mistake of a submission. */
  readonly problem: Problem | undefined;
  /** The pause that the service asks for before the next attempt. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    /** The HTTP status; of a WebSocket, the status that its close code stands for. 0 if the service gave no answer. */
    readonly status: number,
    { problem, retryAfterMs = 0, ...options }: CoderunErrorOptions = {},
  ) {
    super(message, options);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call may succeed later: there was no answer, or it was 408, 429 or one of the service's own errors. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** The error that an answer reports. */
  static async of(response: Response): Promise<CoderunError> {
    const { status, statusText, headers } = response;
    const isProblem = headers.get("content-type")?.startsWith("application/problem+json");
    // The answer to HEAD has no body.
    const problem: Problem | undefined = isProblem ? await response.json().catch(() => undefined) : undefined;
    const message = problem?.detail ?? (statusText || `The service answered with status ${status}`);
    return new CoderunError(message, status, { problem, retryAfterMs: retryAfterMs(headers.get("retry-after")) });
  }
}

/** That no token was had, though one was had before: the computer may be offline. */
export class TokenFailure extends CoderunError {
  constructor(override readonly cause: unknown) {
    super("There is no token", 0);
  }
}

/** The pause that a `Retry-After` asks for, in seconds or until a date; 0 if it is neither. */
function retryAfterMs(value: string | null): number {
  const seconds = Number(value);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(value ?? "") - Date.now() : 1000 * seconds;
  return milliseconds > 0 ? milliseconds : 0;
}
