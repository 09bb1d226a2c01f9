// Finds places of the program's files in a line of output, in the forms that compilers and interpreters use.

/** A place in a line of output. */
export interface Place {
  /** Where the place stands in the line, from its path to its last number. */
  readonly start: number;
  readonly end: number;
  /** The name of the file, as the program calls it. */
  readonly file: string;
  /** From 1, as is the column. */
  readonly line: number;
  readonly column?: number;
}

/** What follows the name of a file: two groups, of the line and of the column. */
interface Form {
  readonly pattern: string;
  /** What the first column is. */
  readonly firstColumn: 0 | 1;
}

const FORMS: readonly Form[] = [
  // main.c:3:5 · main.hs:3:5-9 · Main.java:3
  { pattern: String.raw`:(\d+)(?::(\d+)(?:-\d+)?)?`, firstColumn: 1 },
  // main.hs:(3,5)-(4,9)
  { pattern: String.raw`:\((\d+),(\d+)\)-\(\d+,\d+\)`, firstColumn: 1 },
  // main.ts(3,5) · main.nim(3, 5) · main.php(3)
  { pattern: String.raw`\((\d+)(?:, ?(\d+))?(?:-\d+|,\d+,\d+)?\)`, firstColumn: 1 },
  // File "main.py", line 3 · File "main.ml", lines 3-4, characters 4-7 · (file "main.tcl" line 3)
  { pattern: String.raw`",? lines? (\d+)(?:-\d+)?(?:, characters (\d+)-\d+)?`, firstColumn: 0 },
  // Match_failure("main.ml", 3, 4)
  { pattern: String.raw`", (\d+), (\d+)`, firstColumn: 0 },
  // in main.php on line 3 · at main.pl line 3 · main.sh: line 3
  { pattern: String.raw`(?: on|:)? line (\d+)()`, firstColumn: 1 },
];

/** Longer lines are data rather than messages; what they hold after it makes no place. */
const MAX_LENGTH = 2_000;

/** The places in a line that lead into the program. A file is known by its name, in whatever folder it ran. */
export function findPlaces(line: string, entry: string, files: readonly string[]): Place[] {
  const text = line.slice(0, MAX_LENGTH);
  if (!/\d/.test(text)) return [];
  const names = [entry, ...files];
  const places = [...placesAfterName(text, names), ...placesBeforeName(text, names), ...placesInSql(text, entry)];
  return places.sort((one, other) => one.start - other.start);
}

function* placesAfterName(text: string, names: readonly string[]): Generator<Place> {
  const forms = FORMS.map(({ pattern }) => pattern).join("|");
  for (const match of text.matchAll(new RegExp(`(${alternatives(names)})(?:${forms})(?!\\d)`, "g"))) {
    const [whole, name = "", ...numbers] = match;
    const start = startOfPath(text, match.index);
    const file = fileOf(text.slice(start, match.index + name.length), names);
    const form = FORMS.findIndex((_, index) => numbers[2 * index] !== undefined);
    if (file === undefined || form < 0) continue;
    const column = numbers[2 * form + 1] || undefined;
    const shift = FORMS[form]?.firstColumn === 0 ? 1 : 0;
    yield {
      start,
      end: match.index + whole.length,
      file,
      line: Number(numbers[2 * form]),
      ...(column === undefined ? {} : { column: Number(column) + shift }),
    };
  }
}

/** Such as `line 3 of main.pas` and `line 3 of file main.f90`. */
function* placesBeforeName(text: string, names: readonly string[]): Generator<Place> {
  const pattern = new RegExp(`\\bline (\\d+) of (?:file )?([^\\s"]*(?:${alternatives(names)}))(?![\\w.])`, "g");
  for (const match of text.matchAll(pattern)) {
    const [whole, line, path = ""] = match;
    const file = fileOf(path, names);
    if (file !== undefined) yield { start: match.index, end: match.index + whole.length, file, line: Number(line) };
  }
}

/** SQLite tells the line alone, since it reads one file. */
function* placesInSql(text: string, entry: string): Generator<Place> {
  const match = entry.endsWith(".sql") ? /\b(?:Error|error)[^:]*:? near (line (\d+))/.exec(text) : null;
  if (!match) return;
  const [whole, place = "", line] = match;
  const end = match.index + whole.length;
  yield { start: end - place.length, end, file: entry, line: Number(line) };
}

/** Where a path begins whose last part begins here. */
function startOfPath(text: string, nameStart: number): number {
  let start = nameStart;
  while (start > 0 && !/[\s"'`()<>[\],:=@]/.test(text[start - 1] ?? "")) start -= 1;
  return start;
}

/** The file that a path means: the one that is most of it. */
function fileOf(path: string, names: readonly string[]): string | undefined {
  const isTail = (name: string) => path === name || path.endsWith(`/${name}`) || path.endsWith(`\\${name}`);
  const [file] = names.filter(isTail).sort((one, other) => other.length - one.length);
  return file ?? names.find((name) => isTail(baseName(name)));
}

function alternatives(names: readonly string[]): string {
  const all = [...new Set([...names, ...names.map(baseName)])].sort((one, other) => other.length - one.length);
  return all.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
