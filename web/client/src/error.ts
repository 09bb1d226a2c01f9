// Reports what the service refuses, or that it cannot be reached.

import type { components } from "./generated/openapi.js";

type Problem = components["schemas"]["Problem"];

/** An answer of the service that is an error, or the lack of an answer. */
export class CoderunError extends Error {
  override readonly name = "CoderunError";

  constructor(
    message: string,
    /** The HTTP status; of a WebSocket, the status that its close code stands for. 0 if the service cannot be reached. */
    readonly status: number,
    /** What the service says (RFC 9457), with a pointer to each mistake of a submission. */
    readonly problem?: Problem,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  static async of(response: Response): Promise<CoderunError> {
    const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
    const problem = isProblem ? ((await response.json()) as Problem) : undefined;
    return new CoderunError(problem?.detail ?? response.statusText, response.status, problem);
  }
}
