// Says in words what Firebase reports.

import assert from "node:assert/strict";
import { test } from "node:test";

import { firebaseWords } from "../src/model/firebase-words";

const coded = (code: string) => Object.assign(new Error(`Firebase: Error (${code}).`), { code });

for (const [code, words] of [
  ["auth/invalid-credential", /address or the password is wrong/],
  ["auth/wrong-password", /address or the password is wrong/],
  ["auth/popup-blocked", /blocked the window/],
  ["auth/popup-closed-by-user", /closed before/],
  ["auth/network-request-failed", /cannot be reached/],
  ["auth/weak-password", /six characters/],
  ["auth/email-already-in-use", /Sign in instead/],
  ["auth/operation-not-allowed", /does not offer/],
  ["auth/too-many-requests", /Wait some minutes/],
  ["auth/unauthorized-domain", /authorised domains/],
  ["auth/api-key-not-valid.-please-pass-a-valid-api-key.", /FIREBASE_WEB_API_KEY/],
  ["auth/something-new", /^Signing in failed \(something-new\)\. Try again\.$/],
] as const) {
  test(`${code} is told in words`, () => assert.match(firebaseWords(coded(code)), words));
}

test("an error without a code is told, too", () => {
  for (const error of [new Error("x"), null, undefined, "text"])
    assert.equal(firebaseWords(error), "Signing in failed. Try again.");
});
