// Shows a part of the page in front of the rest, with a title and a way out.

import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

import "../style/dialog.css";

interface Props {
  isOpen: Signal<boolean>;
  title: string;
  class?: string;
  /** Whether the title gets the focus, and not what has `autofocus` among the children. */
  focusesTitle?: boolean;
  children: ComponentChildren;
}

/** The children exist while it is open. */
export function Dialog({ isOpen, title, class: name = "", focusesTitle = true, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const isShown = isOpen.value;
  useLayoutEffect(() => {
    if (isShown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isShown]);
  return (
    <dialog ref={dialog} class={name} aria-labelledby={titleId} closedby="any" onClose={() => (isOpen.value = false)}>
      {isShown && (
        <>
          <header class="dialog-head">
            <h2 id={titleId} tabIndex={-1} autofocus={focusesTitle}>
              {title}
            </h2>
            <button
              type="button"
              class="button quiet"
              aria-label="Close"
              title="Close"
              onClick={() => (isOpen.value = false)}
            >
              <CloseIcon />
            </button>
          </header>
          {children}
        </>
      )}
    </dialog>
  );
}

const CloseIcon = () => (
  <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
  </svg>
);
