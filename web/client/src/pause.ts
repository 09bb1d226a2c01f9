// Waits between attempts.

/** The pause before an attempt after this many failures: it doubles up to 10 s, and varies so that clients come apart. */
export function backoffMs(failures: number): number {
  return Math.min(10_000, 250 * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Waits, unless the signal ends the wait: then it fails with the signal's reason. */
export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
