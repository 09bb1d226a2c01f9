// Lets the user sign in and out, in the way that the service has.

import { type Signal, useSignalEffect } from "@preact/signals";

import type { Session } from "../model/session";
import { Dialog } from "./dialog";
import { EmailForm } from "./email-form";
import { useRequest } from "./request";
import { TokenForm } from "./token-form";
import "../style/sign-in.css";

interface Props {
  session: Session;
  isOpen: Signal<boolean>;
}

export function SignIn({ session, isOpen }: Props) {
  // Who has just signed in wants to go on.
  useSignalEffect(() => {
    if (session.state.value === "signed-in") isOpen.value = false;
  });
  const isSignedIn = session.state.value === "signed-in";
  return (
    <Dialog isOpen={isOpen} title={isSignedIn ? "Your account" : "Sign in"} class="sign-in" focusesTitle={isSignedIn}>
      <div class="dialog-body">{isSignedIn ? <Account session={session} /> : <Form session={session} />}</div>
    </Dialog>
  );
}

function Form({ session }: { session: Session }) {
  if (session.state.value === "loading")
    return <p role="status">One moment: the page is asking the service how to sign in.</p>;
  if (session.kind.value === "token") return <TokenForm session={session} />;
  // Without an account the sign-in could not be loaded.
  if (!session.account) return <p role="alert">{session.failure.value}</p>;
  return <EmailForm account={session.account} isEmulator={session.kind.value === "emulator"} />;
}

function Account({ session }: { session: Session }) {
  const { isBusy, failure, start } = useRequest();
  const name = session.userName.value;
  return (
    <>
      <p>
        {name === undefined ? (
          "You are signed in."
        ) : (
          <>
            You are signed in as <strong class="user">{name}</strong>.
          </>
        )}
      </p>
      <p class="failure" role="alert">
        {failure.value}
      </p>
      {!session.isAutomatic.value && (
        <button type="button" class="button" disabled={isBusy.value} onClick={() => start(() => session.signOut())}>
          Sign out
        </button>
      )}
    </>
  );
}
