// Tells what is out of the ordinary: a program from a link, a service that does not answer, a network that is gone.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import type { Playground } from "../model/playground";

export function Banner({ playground }: { playground: Playground }) {
  const isOffline = useIsOffline();
  const text = textOf(playground, isOffline);
  return (
    <div role="status">
      {text && (
        <div class="banner">
          <span>{text}</span>
          {playground.arrival.value && (
            <button type="button" class="link" onClick={() => (playground.arrival.value = undefined)}>
              Understood
            </button>
          )}
          {playground.arrival.value?.kind === "shared" && playground.own.value && (
            <button type="button" class="link" onClick={playground.returnToOwn}>
              Back to my program
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function textOf({ arrival, failure, session, run }: Playground, isOffline: boolean): string | undefined {
  if (isOffline) {
    return run.isActive.value
      ? "You are offline. The program goes on, and its output comes when you are back."
      : "You are offline. You can edit; running needs the network.";
  }
  if (failure.value !== undefined) return failure.value;
  if (arrival.value?.kind === "shared") return "This program came with a link. Read it before you run it.";
  if (arrival.value) return `The program of the link cannot be shown: ${arrival.value.reason}.`;
  return session.state.value === "signed-out" ? session.failure.value : undefined;
}

function useIsOffline(): boolean {
  const isOffline = useSignal(!navigator.onLine);
  useEffect(() => {
    const note = () => (isOffline.value = !navigator.onLine);
    addEventListener("online", note);
    addEventListener("offline", note);
    return () => {
      removeEventListener("online", note);
      removeEventListener("offline", note);
    };
  }, []);
  return isOffline.value;
}
