// Signs in with Firebase Authentication. Loaded only where the service says that its users are Firebase's.

import { initializeApp } from "@firebase/app";
import {
  type Auth,
  browserLocalPersistence,
  browserPopupRedirectResolver,
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  GoogleAuthProvider,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  sendPasswordResetEmail,
  signInWithEmailAndPassword,
  signInWithPopup,
  signOut,
} from "@firebase/auth";

import { firebaseWords } from "./firebase-words";
import type { TokenSource } from "./token-source";

/** Where the users are, as the service tells it. */
export type FirebaseSettings =
  | { kind: "firebase"; api_key: string; auth_domain: string; project_id: string }
  | { kind: "emulator"; host: string; project_id: string };

/** One user's account. All errors have words for the user. */
export interface FirebaseAccount extends TokenSource {
  signIn(email: string, password: string): Promise<unknown>;
  signInWithGoogle(): Promise<unknown>;
  create(email: string, password: string): Promise<unknown>;
  resetPassword(email: string): Promise<void>;
  signOut(): Promise<void>;
}

/**
 * The account of this browser, once it is known whether somebody is signed in. `onUser` is then told, and after each
 * change, the name of the user, or undefined when there is none.
 */
export async function openAccount(
  settings: FirebaseSettings,
  onUser: (name: string | undefined) => void,
): Promise<FirebaseAccount> {
  const auth = connect(settings);
  await auth.authStateReady();
  onAuthStateChanged(auth, (user) => onUser(user ? (user.displayName ?? user.email ?? "") : undefined));
  return {
    signIn: (email, password) => inWords(signInWithEmailAndPassword(auth, email, password)),
    signInWithGoogle: () => inWords(signInWithPopup(auth, new GoogleAuthProvider(), browserPopupRedirectResolver)),
    create: (email, password) => inWords(createUserWithEmailAndPassword(auth, email, password)),
    resetPassword: (email) => inWords(sendPasswordResetEmail(auth, email)),
    signOut: () => inWords(signOut(auth)),
    token: ({ forceRefresh }) => token(auth, forceRefresh),
  };
}

function connect(settings: FirebaseSettings): Auth {
  const { kind, project_id: projectId } = settings;
  const keys =
    kind === "firebase" ? { apiKey: settings.api_key, authDomain: settings.auth_domain } : { apiKey: "emulator" };
  const persistence = [indexedDBLocalPersistence, browserLocalPersistence];
  const auth = initializeAuth(initializeApp({ projectId, ...keys }), { persistence });
  if (kind === "emulator") connectAuthEmulator(auth, `http://${settings.host}`, { disableWarnings: true });
  return auth;
}

async function token(auth: Auth, forceRefresh: boolean): Promise<string> {
  if (!auth.currentUser) throw new Error("Sign in to run programs.");
  return inWords(auth.currentUser.getIdToken(forceRefresh));
}

/** The result of a call of Firebase, whose errors get words for the user. */
async function inWords<T>(calling: Promise<T>): Promise<T> {
  try {
    return await calling;
  } catch (cause) {
    throw new Error(firebaseWords(cause), { cause });
  }
}
