// When a socket is given a fresh token, against a service that follows a script.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { ClientMessage, ServerMessage } from "../src/index.js";
import { refreshDelayMs } from "../src/token.js";
import { DONE, final, ID, PATH, problem, read, UNAVAILABLE, until, update } from "./messages.js";
import { type Session, start, type Step } from "./scripted.js";

const EXPIRING: ServerMessage = { type: "auth_expiring", data: { expires_in_ms: 2_500 } };

/** A token that expires after this time, and is refreshed 90 s earlier. */
function expiringIn(milliseconds: number): string {
  const payload = { exp: (Date.now() + milliseconds) / 1000, name: "Zoë 😀?>" };
  return `header.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.signature`;
}

/** A socket that ends the execution once it has got a fresh token: what it got. */
function session(messages: ServerMessage[]) {
  const got: ClientMessage[] = [];
  const step: Session = {
    messages: [update(1), ...messages],
    code: 1000,
    mayClose: new Promise(() => {}),
    onMessage(message) {
      got.push(message);
      return message.type === "auth" ? final(2) : undefined;
    },
  };
  return { step, got };
}

test("a socket is given a fresh token when the service asks for one", { timeout: 30_000 }, async (context) => {
  const { step, got } = session([EXPIRING]);
  const { client, refreshed } = await start(context, [step]);
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.deepEqual(got, [{ type: "auth", token: "fresh" }]);
  assert.deepEqual(refreshed, [false, true]);
});

test("a service that gives notice of each token at once gets no flood of them", { timeout: 30_000 }, async (context) => {
  const tokens: string[] = [];
  const onMessage = (message: ClientMessage) => {
    if (message.type === "auth") tokens.push(message.token);
    return tokens.length < 2 ? { ...EXPIRING, data: { expires_in_ms: 0 } } : final(2);
  };
  const notice: ServerMessage = { type: "auth_expiring", data: { expires_in_ms: 0 } };
  const steps: Session[] = [{ messages: [update(1), notice], mayClose: new Promise(() => {}), code: 1000, onMessage }];
  const { client } = await start(context, steps);
  const startedAt = performance.now();
  await read(client.execution(ID));
  assert.ok(performance.now() - startedAt > 1_900);
  assert.equal(tokens.length, 2);
});

test("a socket is given a fresh token before the last one expires", { timeout: 30_000 }, async (context) => {
  const { step, got } = session([]);
  const getToken = ({ forceRefresh }: { forceRefresh: boolean }) => (forceRefresh ? "fresh" : expiringIn(90_300));
  const { client } = await start(context, [step], { getToken });
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.deepEqual(got, [{ type: "auth", token: "fresh" }]);
});

test("a socket without a fresh token stays open for as long as the last one is good", { timeout: 30_000 }, async (context) => {
  let close = () => {};
  const mayClose = new Promise<void>((resolve) => (close = resolve));
  let calls = 0;
  const getToken = ({ forceRefresh }: { forceRefresh: boolean }) => {
    calls += 1;
    if (forceRefresh) throw new Error("offline");
    return "old";
  };
  const steps: Session[] = [{ messages: [update(1), EXPIRING], mayClose, last: [final(2)], code: 1000 }];
  const { client } = await start(context, steps, { getToken });
  const watching = read(client.execution(ID));
  await until(() => calls === 2);
  close();
  assert.deepEqual(await watching, [1, 2]);
});

test("a token that was replaced after a refusal is not replaced again by further attempts", async (context) => {
  const refusal = problem(401, "Expired Firebase token");
  const asked = await start(context, [refusal, UNAVAILABLE, UNAVAILABLE, DONE]);
  await asked.client.execution(ID).record();
  assert.deepEqual(asked.refreshed, [false, true, false, false]);

  const busy: Session = { messages: [], code: 1012 };
  const watched = await start(context, [{ messages: [], code: 4001 }, busy, busy, { messages: [final(1)], code: 1000 }]);
  await read(watched.client.execution(ID));
  assert.deepEqual(watched.refreshed, [false, true, false, false]);
});

/** A `getToken` that gives one token, and then fails this often. */
function failing(count: number) {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls > 1 && calls <= 1 + count) throw new Error("offline");
    return "token";
  };
}

test("a call goes on when getToken fails for a while after a token was had", async (context) => {
  const { client, seen, steps } = await start(context, [{ messages: [update(1)], code: 1012 }], { getToken: failing(2) });
  steps.push({ messages: [final(2)], code: 1000 });
  assert.deepEqual(await read(client.execution(ID)), [1, 2]);
  assert.equal(seen.length, 2);

  const later = await start(context, [UNAVAILABLE, DONE], { getToken: failing(2) });
  assert.equal((await later.client.execution(ID).record()).verdict, "accepted");
});

test("a token that cannot be had is no reason to find out whether sockets are stopped", async (context) => {
  const steps: Step[] = [DONE, { messages: [final(1)], code: 1000 }];
  const { client, seen } = await start(context, steps, { getToken: failing(1) });
  await client.execution(ID).record();
  await read(client.execution(ID));
  assert.deepEqual(seen.map(({ method, url }) => `${method} ${url}`), [`GET ${PATH}`, `GET ${PATH.replace("status", "ws")}?since=0`]);
});

test("a call ends with the error of getToken when that fails for too long", async (context) => {
  const options = { getToken: failing(9), retryMs: 500 };
  const watched = await start(context, [{ messages: [update(1)], code: 1012 }], options);
  await assert.rejects(read(watched.client.execution(ID)), { name: "Error", message: "offline" });
  const asked = await start(context, [UNAVAILABLE], { ...options, getToken: failing(9) });
  await assert.rejects(asked.client.execution(ID).record(), { name: "Error", message: "offline" });
});

test("only a token with a time that comes is refreshed by itself", () => {
  const left = refreshDelayMs(expiringIn(3_600_000));
  assert.ok(left > 3_509_000 && left <= 3_510_000, `${left}`);
  for (const token of [expiringIn(89_000), expiringIn(-1), "", "old", "a.b.c", `a.${btoa("{}")}.c`, `a.${btoa('{"exp":"x"}')}.c`]) {
    assert.equal(refreshDelayMs(token), 0);
  }
  assert.equal(refreshDelayMs(expiringIn(1e12)), 2 ** 31 - 1);
});
