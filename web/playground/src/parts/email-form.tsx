// Signs in with Google or an e-mail address, makes accounts, and lets forgotten passwords be replaced.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import type { FirebaseAccount } from "../model/firebase";
import { Field } from "./field";
import { useRequest } from "./request";

type Purpose = "sign-in" | "create" | "reset";

const PURPOSES: Record<Purpose, { button: string; lead: string; others: readonly Purpose[]; link: string }> = {
  "sign-in": { button: "Sign in", lead: "", others: ["create", "reset"], link: "Back to sign in" },
  create: {
    button: "Create the account",
    lead: "Make an account with your e-mail address.",
    others: ["sign-in"],
    link: "Create an account",
  },
  reset: {
    button: "Send a link",
    lead: "You get a message with a link to choose another password.",
    others: ["sign-in"],
    link: "Forgot the password?",
  },
};

interface Props {
  account: FirebaseAccount;
  /** The emulator has no window of Google without the network. */
  isEmulator: boolean;
}

export function EmailForm({ account, isEmulator }: Props) {
  const purpose = useSignal<Purpose>("sign-in");
  const email = useSignal("");
  const password = useSignal("");
  const sentTo = useSignal<string | undefined>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const { isBusy, failure, start } = useRequest();
  const { button, lead, others } = PURPOSES[purpose.value];

  const act: Record<Purpose, () => Promise<unknown>> = {
    "sign-in": () => account.signIn(email.peek(), password.peek()),
    create: () => account.create(email.peek(), password.peek()),
    reset: () => account.resetPassword(email.peek()).then(() => (sentTo.value = email.peek())),
  };
  const submit = (event: Event) => {
    event.preventDefault();
    sentTo.value = undefined;
    void start(act[purpose.peek()]);
  };
  const change = (next: Purpose) => {
    purpose.value = next;
    failure.value = sentTo.value = undefined;
    // The link that had the focus is gone.
    form.current?.querySelector("input")?.focus();
  };

  return (
    <>
      {isEmulator && <p class="hint">Accounts here are those of the Auth emulator: they are for tests.</p>}
      {!isEmulator && purpose.value === "sign-in" && (
        <button
          type="button"
          class="button google"
          disabled={isBusy.value}
          onClick={() => start(() => account.signInWithGoogle())}
        >
          Sign in with Google
        </button>
      )}
      <form ref={form} onSubmit={submit}>
        {lead && <p>{lead}</p>}
        <Field label="E-mail address" value={email} type="email" autocomplete="username" hasFocus />
        {purpose.value === "sign-in" && (
          <Field label="Password" value={password} type="password" autocomplete="current-password" />
        )}
        {purpose.value === "create" && (
          <Field
            label="Password"
            value={password}
            type="password"
            autocomplete="new-password"
            hint="Six characters at least."
            minLength={6}
          />
        )}
        <p class="failure" role="alert">
          {failure.value}
        </p>
        <p role="status">
          {sentTo.value !== undefined &&
            `If ${sentTo.value} has an account, a message is on its way. Look among the unwanted ones, too.`}
        </p>
        <button type="submit" class="button primary" disabled={isBusy.value}>
          {isBusy.value ? "One moment" : button}
        </button>
      </form>
      <p class="others">
        {others.map((other) => (
          <button type="button" class="link" key={other} onClick={() => change(other)}>
            {PURPOSES[other].link}
          </button>
        ))}
      </p>
    </>
  );
}
