// Runs programs on a coderun service.

import type { components, paths } from "./generated/openapi.js";

export type { components, paths };
export { Coderun, type PageOptions, type Submission, type SubmitOptions } from "./client.js";
export type { ConnectionOptions } from "./connection.js";
export { CoderunError, type CoderunErrorOptions } from "./error.js";
export { Execution } from "./execution.js";
export type { OutputPiece } from "./output.js";
export type { WebSocketConstructor, WebSocketLike } from "./socket.js";
export { Watch } from "./watch.js";

type Schemas = components["schemas"];

/** One execution. */
export type ExecutionRecord = Schemas["Record"];
/** What a list has of each execution. */
export type ExecutionSummary = Schemas["Summary"];
/** A page of a list, and where the next one begins. */
export type ExecutionList = Schemas["ExecutionList"];
/** A message of a WebSocket or an event stream; `type` tells which. */
export type ServerMessage = Schemas["ServerMessage"];
/** A message to the service over a WebSocket. */
export type ClientMessage = Schemas["ClientMessage"];
/** An error (RFC 9457). */
export type Problem = Schemas["Problem"];
