// Names the parts of the API that programs use most. The rest is in `generated/openapi.ts`.

import type { components, paths } from "./generated/openapi.js";

export type { components, paths };

type Schemas = components["schemas"];

/** One execution. */
export type ExecutionRecord = Schemas["Record"];
/** A message of a WebSocket or an event stream; `type` tells which. */
export type ServerMessage = Schemas["ServerMessage"];
/** A message to the service over a WebSocket. */
export type ClientMessage = Schemas["ClientMessage"];
/** An error (RFC 9457). */
export type Problem = Schemas["Problem"];
