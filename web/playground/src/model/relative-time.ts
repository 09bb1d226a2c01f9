// Says how long ago something was.

const MINUTE = 60;
const UNITS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", MINUTE],
];

const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Such as `5 minutes ago` or `yesterday`. The clocks of the service and of this computer may differ. */
export function relativeTime(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1_000;
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  }
  return seconds >= MINUTE / 2 ? "less than a minute ago" : "just now";
}
