// Splits a line of arguments as a shell does, without its expansions.

/** The arguments of a line: white space separates, quotes and backslashes keep it. A quote that is never closed ends with the line. */
export function splitArguments(line: string): string[] {
  const found: string[] = [];
  let current: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index += 1) {
    const unit = line.charAt(index);
    const next = line.charAt(index + 1);
    if (quote === "'" ? unit === "'" : unit === quote && quote !== "") {
      quote = "";
    } else if (unit === "\\" && quote !== "'" && next !== "" && (quote === "" || next === '"' || next === "\\")) {
      current = (current ?? "") + next;
      index += 1;
    } else if (quote !== "" || !/\s/.test(unit)) {
      const opens = quote === "" && (unit === "'" || unit === '"');
      if (opens) quote = unit;
      current = (current ?? "") + (opens ? "" : unit);
    } else {
      if (current !== undefined) found.push(current);
      current = undefined;
    }
  }
  return current === undefined ? found : [...found, current];
}
