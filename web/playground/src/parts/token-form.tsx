// Takes a token that the user has from elsewhere.

import { useSignal } from "@preact/signals";

import type { Session } from "../model/session";
import { Field } from "./field";
import { useRequest } from "./request";

export function TokenForm({ session }: { session: Session }) {
  const token = useSignal("");
  const { isBusy, failure, start } = useRequest();
  const submit = (event: Event) => {
    event.preventDefault();
    void start(() => session.useToken(token.peek()));
  };
  return (
    <form onSubmit={submit}>
      <p>{session.failure.value ?? "Paste a token to run programs."}</p>
      <Field
        label="Token"
        value={token}
        type="password"
        autocomplete="off"
        hint="It is kept until you close this tab, and sent to this service alone."
        hasFocus
      />
      <p class="failure" role="alert">
        {failure.value}
      </p>
      <button type="submit" class="button primary" disabled={isBusy.value}>
        {isBusy.value ? "Checking" : "Use this token"}
      </button>
    </form>
  );
}
