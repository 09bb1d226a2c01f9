// Shows a field of a form with its label, and a hint where one helps.

import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: Signal<string>;
  type: "email" | "password";
  autocomplete: "username" | "current-password" | "new-password" | "off";
  hint?: string;
  minLength?: number;
  hasFocus?: boolean;
}

export function Field({ label, value, type, autocomplete, hint, minLength, hasFocus = false }: Props) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="control"
        // The types know each kind of field by itself.
        type={type as "password"}
        autocomplete={autocomplete}
        autocapitalize="none"
        spellcheck={false}
        required
        {...(minLength === undefined ? {} : { minLength })}
        {...(hint === undefined ? {} : { "aria-describedby": hintId })}
        autofocus={hasFocus}
        value={value.value}
        onInput={({ currentTarget }) => (value.value = currentTarget.value)}
      />
      {hint !== undefined && (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  );
}
