// Notes how far an execution was followed, so that each stored message is given once.

import type { components } from "./generated/openapi.js";

export type ServerMessage = components["schemas"]["ServerMessage"];
type ExecutionRecord = components["schemas"]["Record"];

export class Progress {
  /** Whether a poll has told that the execution is final. */
  isFinalPolled = false;
  private polledSeq = 0;
  private polledAttempt = 0;

  /** `since` is the number of the last stored message that was given. */
  constructor(public since: number) {}

  /** A state that a poll tells. Its number is the last one, not its own: the messages up to its own are still to be given. */
  polled({ user_id: _, code: _code, input_data: _input, ...data }: ExecutionRecord): ServerMessage {
    this.polledSeq = data.seq;
    this.polledAttempt = data.attempts;
    return { type: "execution_update", execution_id: data.execution_id, seq: this.since, data };
  }

  /** Notes a message. False if a poll has told a later state, or that its attempt is over: then it is not given. */
  advance(message: ServerMessage): boolean {
    if (!("seq" in message) || message.seq === this.since) return true;
    this.since = message.seq;
    if (message.type === "execution_update") return message.seq > this.polledSeq;
    return message.data.attempt >= this.polledAttempt;
  }
}

/** Whether nothing follows this message. */
export function isFinal(message: ServerMessage): boolean {
  return message.type === "execution_update" && message.data.verdict !== null;
}
