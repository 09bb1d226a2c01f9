// Signs users in and gets their tokens, from a service that is played.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { FirebaseAccount } from "../src/model/firebase";
import { Session, type SessionOptions, type SignInOffer } from "../src/model/session";
import { MemoryStorage } from "./programs";

const refusal = (status: number, detail: string) =>
  Response.json({ status, detail }, { status, headers: { "content-type": "application/problem+json" } });
const lost = () => {
  throw new TypeError("fetch failed");
};
/** A token whose claims are these. */
const tokenOf = (claims: object) => `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
const FIREBASE = { kind: "firebase", api_key: "key", auth_domain: "demo.example", project_id: "demo" } as const;

interface Step {
  path: string;
  authorization: string | null;
}

/** A service with this offer. The answers to other requests are taken in their order. */
function play(offer: SignInOffer, answers: (() => Response)[], options: SessionOptions = {}) {
  const seen: Step[] = [];
  const playedFetch: typeof fetch = async (path, init) => {
    if (path === "/api/v1/capabilities") return Response.json({ runners: [], sign_in: offer });
    seen.push({
      path: `${init?.method ?? "GET"} ${path}`,
      authorization: new Headers(init?.headers).get("authorization"),
    });
    const answer = answers.shift();
    assert.ok(answer, `no answer to ${path}`);
    return answer();
  };
  const session = new Session({ fetch: playedFetch, tab: () => undefined, retryMs: 1, ...options });
  return { session, seen };
}

let issued = 0;
const issue =
  (seconds = 3_600) =>
  () =>
    Response.json({ token: tokenOf({ sub: "dev", number: (issued += 1) }), expires_in: seconds });
const verified =
  (user = {}) =>
  () =>
    Response.json({ authenticated: true, user: { uid: "u1", email: null, name: null, email_verified: null, ...user } });
const show = ({ state, kind, userName, failure }: Session) => [state.value, kind.value, userName.value, failure.value];

test("with the development issuer the user is signed in without doing anything", async () => {
  const { session, seen } = play({ kind: "development" }, [issue()]);
  assert.deepEqual(show(session), ["loading", undefined, undefined, undefined]);
  await session.begin();
  assert.deepEqual(show(session), ["signed-in", "development", "dev", undefined]);
  assert.equal(session.isAutomatic.value, true);
  assert.deepEqual(seen, [{ path: "POST /api/v1/auth/development-token", authorization: null }]);
});

test("a token that is asked for before the user is known waits for that", async () => {
  const { session, seen } = play({ kind: "development" }, [lost, issue()]);
  void session.begin();
  assert.match(await session.getToken({ forceRefresh: false }), /^head\./);
  assert.equal(seen.length, 2);
});

test("a development token is used until it expires soon, or was refused", async () => {
  let now = 0;
  const { session, seen } = play({ kind: "development" }, [issue(), issue(), issue()], { now: () => now });
  await session.begin();
  const first = await session.getToken({ forceRefresh: false });
  now = (3_600 - 121) * 1_000;
  assert.equal(await session.getToken({ forceRefresh: false }), first);
  now += 2_000;
  const second = await session.getToken({ forceRefresh: false });
  assert.notEqual(second, first);
  assert.notEqual(await session.getToken({ forceRefresh: true }), second);
  assert.equal(seen.length, 3);
});

test("requests at one time share one new token", async () => {
  const { session, seen } = play({ kind: "development" }, [issue(), issue()]);
  await session.begin();
  const tokens = await Promise.all([1, 2, 3].map(() => session.getToken({ forceRefresh: true })));
  assert.equal(new Set(tokens).size, 1);
  assert.equal(seen.length, 2);
});

test("a token that lives for a short time is not replaced at each request", async () => {
  const { session, seen } = play({ kind: "development" }, [issue(60)], { now: () => 0 });
  await session.begin();
  await session.getToken({ forceRefresh: false });
  assert.equal(seen.length, 1);
});

test("a service that is not there yet is asked until it answers", async () => {
  const failures = [lost, () => refusal(503, "starting"), () => new Response("<html>", { status: 502 })];
  const { session } = play({ kind: "development" }, [...failures, issue()]);
  await session.begin();
  assert.equal(session.state.value, "signed-in");
});

test("a development token that cannot be replaced now is an error that the client tries again", async () => {
  const { session } = play({ kind: "development" }, [issue(), lost, issue()]);
  await session.begin();
  await assert.rejects(session.getToken({ forceRefresh: true }), {
    name: "CoderunError",
    status: 0,
    isTransient: true,
  });
  await session.getToken({ forceRefresh: true });
});

test("where no development token is given, the user may paste one", async () => {
  const { session, seen } = play({ kind: "development" }, [() => refusal(404, "Not Found"), verified({ name: "Ada" })]);
  await session.begin();
  assert.equal(session.state.value, "signed-out");
  assert.equal(session.kind.value, "token");
  assert.match(session.failure.value ?? "", /no development token to this address/);
  await session.useToken("  Bearer a.b.c\n");
  assert.deepEqual(show(session), ["signed-in", "token", "Ada", undefined]);
  assert.deepEqual(seen.at(-1), { path: "GET /api/v1/auth/verify", authorization: "Bearer a.b.c" });
  assert.equal(await session.getToken({ forceRefresh: false }), "a.b.c");
});

test("a service without a sign-in asks for a token, an older one too", async () => {
  for (const answer of [
    () => Response.json({ runners: [] }),
    () => Response.json({ sign_in: null }),
    () => refusal(404, "Not Found"),
  ]) {
    const session = new Session({ fetch: async () => answer(), tab: () => undefined });
    await session.begin();
    assert.match(session.failure.value ?? "", /Paste a token/);
    await assert.rejects(session.getToken({ forceRefresh: false }), { message: "Paste a token first." });
  }
});

test("a pasted token outlives a reload in its tab, under the best name of its user", async () => {
  const tab = new MemoryStorage();
  for (const [user, name] of [
    [{}, "u1"],
    [{ email: "ada@example" }, "ada@example"],
    [{ email: "x", name: "Ada" }, "Ada"],
  ] as const) {
    const before = play(null, [verified(user)], { tab: () => tab }).session;
    await before.begin();
    if (before.state.value !== "signed-in") await before.useToken("a.b.c");
    assert.equal(before.userName.value, name);
  }
  assert.deepEqual([...tab.texts.values()], ["a.b.c"]);
});

test("a pasted token that is refused is not taken, and the service says why", async () => {
  const tab = new MemoryStorage();
  const { session } = play(null, [() => refusal(401, "Expired Firebase token")], { tab: () => tab });
  await session.begin();
  await assert.rejects(session.useToken("a.b.c"), { message: "Expired Firebase token" });
  await assert.rejects(session.useToken(" "), { message: /not a token/ });
  await assert.rejects(session.useToken("two words"), { message: /not a token/ });
  assert.equal(session.state.value, "signed-out");
  assert.equal(tab.texts.size, 0);
});

test("a pasted token that was refused after a reload is forgotten, but not if the service cannot check it", async () => {
  for (const [answer, state, kept] of [
    [() => refusal(401, "Expired Firebase token"), "signed-out", 0],
    [() => refusal(403, "The user is disabled"), "signed-out", 0],
    [() => refusal(503, "No keys"), "signed-in", 1],
    [lost, "signed-in", 1],
  ] as const) {
    const tab = new MemoryStorage();
    tab.setItem("coderun.token", tokenOf({ name: "Zoë" }));
    const { session } = play(null, [answer], { tab: () => tab });
    await session.begin();
    assert.equal(session.state.value, state);
    assert.equal(session.userName.value, state === "signed-in" ? "Zoë" : undefined);
    assert.equal(tab.texts.size, kept);
  }
});

test("a pasted token cannot be replaced: it is checked, and the user is asked for another if it is refused", async () => {
  const answers = [
    verified(),
    verified(),
    () => refusal(503, "No keys"),
    () => refusal(401, "Expired Firebase token"),
    verified(),
  ];
  const { session } = play(null, answers);
  await session.begin();
  await session.useToken("a.b.c");
  assert.equal(await session.getToken({ forceRefresh: true }), "a.b.c");
  await assert.rejects(session.getToken({ forceRefresh: true }), { status: 503 });
  assert.equal(session.state.value, "signed-in");
  await assert.rejects(session.getToken({ forceRefresh: true }), { message: /Paste a fresh one/ });
  assert.equal(session.state.value, "signed-out");
  assert.match(session.failure.value ?? "", /Paste a fresh one/);
  await session.useToken("d.e.f");
  assert.equal(await session.getToken({ forceRefresh: false }), "d.e.f");
});

test("signing out forgets a pasted token", async () => {
  const tab = new MemoryStorage();
  const { session } = play(null, [verified()], { tab: () => tab });
  await session.begin();
  await session.useToken("a.b.c");
  await session.signOut();
  assert.deepEqual(show(session), ["signed-out", "token", undefined, undefined]);
  assert.equal(tab.texts.size, 0);
  await assert.rejects(session.getToken({ forceRefresh: false }), { message: "Paste a token first." });
});

test("Firebase is loaded where the service says so alone, and tells who is signed in", async () => {
  let tell: (name: string | undefined) => void = () => {};
  const refreshed: boolean[] = [];
  const account = {
    token: async ({ forceRefresh }: { forceRefresh: boolean }) => (refreshed.push(forceRefresh), "firebase"),
    signOut: async () => tell(undefined),
  } as FirebaseAccount;
  const loadFirebase = async () => ({
    openAccount: async (settings: unknown, onUser: typeof tell) => {
      assert.deepEqual(settings, FIREBASE);
      (tell = onUser)(undefined);
      return account;
    },
  });
  const { session } = play(FIREBASE, [], { loadFirebase });
  await session.begin();
  assert.deepEqual(show(session), ["signed-out", "firebase", undefined, undefined]);
  assert.equal(session.isAutomatic.value, false);
  tell("Ada");
  assert.deepEqual(show(session), ["signed-in", "firebase", "Ada", undefined]);
  assert.equal(await session.getToken({ forceRefresh: true }), "firebase");
  assert.deepEqual(refreshed, [true]);
  await session.signOut();
  assert.equal(session.state.value, "signed-out");

  const loads = play({ kind: "development" }, [issue()], { loadFirebase: () => assert.fail("loaded") });
  await loads.session.begin();
});

test("a sign-in that cannot be loaded says so", async () => {
  const { session } = play(FIREBASE, [], { loadFirebase: () => Promise.reject(new TypeError("no chunk")) });
  await session.begin();
  assert.match(session.failure.value ?? "", /could not be loaded/);
  await assert.rejects(session.getToken({ forceRefresh: false }), { message: "Sign in to run programs." });
});
