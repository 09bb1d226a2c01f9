// Says in words what Firebase refuses.

const WRONG = "The e-mail address or the password is wrong.";

const WORDS: Record<string, string> = {
  "auth/invalid-credential": WRONG,
  "auth/wrong-password": WRONG,
  "auth/user-not-found": WRONG,
  "auth/invalid-email": "This is not an e-mail address.",
  "auth/missing-email": "Enter your e-mail address first.",
  "auth/missing-password": "Enter a password.",
  "auth/weak-password": "The password is too short: it needs six characters at least.",
  "auth/password-does-not-meet-requirements": "The password is not as strong as this service wants it.",
  "auth/email-already-in-use": "There is an account with this e-mail address already. Sign in instead.",
  "auth/account-exists-with-different-credential":
    "There is an account with this e-mail address already. Sign in in the way that you used before.",
  "auth/popup-blocked":
    "The browser has blocked the window of Google. Allow pop-up windows for this page, and try again.",
  "auth/popup-closed-by-user": "The window of Google was closed before you were signed in.",
  "auth/cancelled-popup-request": "Another window of Google was opened meanwhile.",
  "auth/network-request-failed": "The sign-in service cannot be reached. Check the network, and try again.",
  "auth/timeout": "The sign-in service does not answer. Try again.",
  "auth/too-many-requests": "There were too many attempts. Wait some minutes, or reset the password.",
  "auth/quota-exceeded": "The sign-in service is overloaded. Try again later.",
  "auth/operation-not-allowed": "This service does not offer this way to sign in.",
  "auth/admin-restricted-operation": "New accounts cannot be made here. Ask the operator of this service for one.",
  "auth/unauthorized-domain":
    "This page's address is not among the authorised domains of the Firebase project. Its operator can add it.",
  "auth/user-disabled": "This account was disabled.",
  "auth/user-token-expired": "You were signed out. Sign in again.",
  "auth/invalid-api-key": "The service has a wrong Firebase key: FIREBASE_WEB_API_KEY. Tell its operator.",
};

/** What an error of Firebase means, for the user. */
export function firebaseWords(error: unknown): string {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  // Firebase appends details to some codes, such as `auth/api-key-not-valid.-please-pass-a-valid-api-key.`.
  if (code.startsWith("auth/api-key-not-valid")) return WORDS["auth/invalid-api-key"] as string;
  return WORDS[code] ?? `Signing in failed${code === "" ? "" : ` (${code.replace(/^auth\//, "")})`}. Try again.`;
}
