// Reads when a token expires.

/** The service gives notice 60 s before; this is earlier, so that the notice is the second chance. */
const AHEAD_MS = 90_000;
/** Timers cannot wait longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** How long to wait before a JSON Web Token is replaced; 0 if it is none, or its time has come by this computer's clock. */
export function refreshDelayMs(token: string): number {
  try {
    const payload = token.split(".")[1] ?? "";
    const { exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return Math.min(Math.max(1000 * exp - Date.now() - AHEAD_MS, 0) || 0, TIMER_MAX_MS);
  } catch {
    return 0;
  }
}
