// The whole way of a user, with the SDK that frontends use and the emulator that Firebase provides.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { initializeApp } from "firebase/app";
import {
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  getAuth,
  signInAnonymously,
  signInWithEmailAndPassword,
} from "firebase/auth";

import { administrate, status, submit, verify, watch } from "./client.mjs";
import { PROJECT, startEmulator, startService } from "./processes.mjs";

const PASSWORD = "correct horse battery staple";
let emulator, service;
let names = 0;

before(async () => {
  emulator = await startEmulator();
  service = await startService({
    FIREBASE_PROJECT_ID: PROJECT,
    FIREBASE_AUTH_EMULATOR_HOST: emulator.host,
    RUST_LOG: "debug",
  });
});

after(async () => {
  await service?.stop();
  await emulator?.stop();
});

/** An SDK of its own, as in a browser of its own. */
function sdk() {
  const app = initializeApp({ apiKey: "any", projectId: PROJECT }, `app-${++names}`);
  const auth = getAuth(app);
  connectAuthEmulator(auth, `http://${emulator.host}`, { disableWarnings: true });
  return auth;
}

/** Signs up somebody new: `{ user, token, auth, email }`. */
async function signUp() {
  const auth = sdk();
  const email = `user-${++names}@example.com`;
  const { user } = await createUserWithEmailAndPassword(auth, email, PASSWORD);
  return { user, email, auth, token: await user.getIdToken() };
}

/** Asks until the answer has this status: the service may know an account for a moment longer. */
async function eventually(wanted, question) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await question();
    if (answer.status === wanted) return answer;
    assert.ok(Date.now() < deadline, `still ${answer.status}: ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a user signs up, submits, and watches the program to its end", async () => {
  const { user, email, token } = await signUp();
  const who = await verify(service, token);
  assert.equal(who.status, 200);
  assert.equal(who.body.user.uid, user.uid);
  assert.equal(who.body.user.email, email);

  const { body } = await submit(service, token, "print('Hello World')");
  const { messages, code } = await watch(service, token, body.execution_id);
  assert.equal(code, 1000);
  const { data } = messages.findLast(({ type }) => type === "execution_update");
  assert.equal(data.status, "completed");
  assert.equal(data.output, "Hello World\n");
});

test("a user does not see what another one runs", async () => {
  const [one, other] = await Promise.all([signUp(), signUp()]);
  const { body } = await submit(service, one.token, "print(1)");
  assert.equal((await status(service, other.token, body.execution_id)).status, 403);
  assert.equal((await watch(service, other.token, body.execution_id)).code, 4003);
});

test("an anonymous user is a user", async () => {
  const { user } = await signInAnonymously(sdk());
  const who = await verify(service, await user.getIdToken());
  assert.equal(who.status, 200);
  assert.equal(who.body.user.email, null);
});

test("a disabled user is refused, and let in again once enabled", async () => {
  const { user, token } = await signUp();
  assert.equal((await verify(service, token)).status, 200);
  await administrate(emulator, "update", { localId: user.uid, disableUser: true });
  const refusal = await eventually(403, () => verify(service, token));
  assert.equal(refusal.body.reason, "user-disabled");
  assert.equal((await submit(service, token, "print(1)")).status, 403);
  assert.equal((await watch(service, token, "5d787309-0000-4000-8000-000000000000")).code, 4003);
  await administrate(emulator, "update", { localId: user.uid, disableUser: false });
  await eventually(200, () => verify(service, token));
});

test("a token from before the sessions were ended is refused, one after it is not", async () => {
  const { user, email, auth, token } = await signUp();
  assert.equal((await verify(service, token)).status, 200);
  // Whole seconds count, so the end lies in the next one.
  const end = Math.floor(Date.now() / 1000) + 1;
  await administrate(emulator, "update", { localId: user.uid, validSince: String(end) });
  const refusal = await eventually(401, () => verify(service, token));
  assert.equal(refusal.body.reason, "revoked");
  const again = async () => {
    try {
      const { user } = await signInWithEmailAndPassword(auth, email, PASSWORD);
      return await verify(service, await user.getIdToken());
    } catch (error) {
      // The emulator itself refuses what is issued before that second is over.
      if (error.code !== "auth/user-token-expired") throw error;
      return { status: error.code };
    }
  };
  await eventually(200, again);
});

test("a deleted user is refused", async () => {
  const { user, token } = await signUp();
  assert.equal((await verify(service, token)).status, 200);
  await user.delete();
  const refusal = await eventually(401, () => verify(service, token));
  assert.equal(refusal.body.reason, "user-not-found");
});

test("a token that nobody issued is refused", async () => {
  const { token } = await signUp();
  const [head, claims] = token.split(".");
  const forged = JSON.parse(Buffer.from(claims, "base64url"));
  forged.sub = forged.user_id = "somebody-else";
  const encoded = Buffer.from(JSON.stringify(forged)).toString("base64url");
  const refusal = await verify(service, `${head}.${encoded}.`);
  assert.equal(refusal.status, 401);
  assert.equal(refusal.body.reason, "user-not-found");
});

test("the log holds no token", async () => {
  const { token } = await signUp();
  const { body } = await submit(service, token, "print(2)");
  await watch(service, token, body.execution_id);
  const claims = token.split(".")[1];
  assert.ok(service.log.length > 0);
  assert.ok(service.log.every((line) => !line.includes(claims)));
});
