// Defines what the ways to follow an execution have in common.

import type { Connection } from "./connection.js";
import type { InputQueue } from "./input.js";
import type { Progress, ServerMessage } from "./progress.js";

/** What one connection follows, and what it tells of itself. */
export interface Subscription {
  connection: Connection;
  /** The path of a route for the execution, such as `status`. */
  path(route: string): string;
  progress: Progress;
  input: InputQueue;
  signal: AbortSignal | undefined;
  token: string;
  /** The connection works: nothing stops it on its way. */
  opened(): void;
  /** The service has accepted the token, and answers. */
  alive(): void;
  /** The service answers, but nothing new. */
  answered(): void;
}

/** Gives the messages after the last one, and returns once the execution is final. Fails with a `CoderunError` otherwise. */
export type Follow = (subscription: Subscription) => AsyncGenerator<ServerMessage, void, void>;

/** A message of the client to its user, in the form in which the service reports that a command failed. */
export function errorMessage(detail: string): ServerMessage {
  return { type: "error", data: { detail } };
}
