// Tells a form whether what it asked for is under way, and what went wrong.

import { type Signal, useSignal } from "@preact/signals";

export interface Request {
  readonly isBusy: Signal<boolean>;
  /** In words for the user. */
  readonly failure: Signal<string | undefined>;
  /** Does one thing at a time. Whether it succeeded. */
  start(work: () => Promise<unknown>): Promise<boolean>;
}

export function useRequest(): Request {
  const isBusy = useSignal(false);
  const failure = useSignal<string | undefined>(undefined);
  const start = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (isBusy.peek()) return false;
    isBusy.value = true;
    failure.value = undefined;
    try {
      await work();
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
    return failure.peek() === undefined;
  };
  return { isBusy, failure, start };
}
