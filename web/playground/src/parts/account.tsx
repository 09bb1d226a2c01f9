// Shows who is signed in, and opens the dialog to sign in.

import type { Playground } from "../model/playground";
import { UserIcon } from "./icons";

export function Account({ playground: { session, isSignInOpen } }: { playground: Playground }) {
  if (session.state.value === "loading") return null;
  const isSignedIn = session.state.value === "signed-in";
  // The development issuer has one user, who need not sign in or out.
  if (isSignedIn && session.isAutomatic.value) return null;
  const words = isSignedIn ? (session.userName.value ?? "Account") : "Sign in";
  // The label is not shown on small screens.
  return (
    <button type="button" class="button quiet" title={words} onClick={() => (isSignInOpen.value = true)}>
      <UserIcon />
      <span class="label">{words}</span>
    </button>
  );
}
