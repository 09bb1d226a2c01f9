// Takes a program out of the content of an element.

/** The program that an element has as its text, or in the first of these elements inside it. */
export function sourceOf(element: Element): string {
  const holder = element.querySelector('template, script[type="text/plain"], pre, code') ?? element;
  const content = holder instanceof HTMLTemplateElement ? holder.content : holder;
  return unindented(content.textContent ?? "");
}

/** The text without the indentation that all its lines have, a blank first line, and white space at its end. */
export function unindented(text: string): string {
  const lines = text
    .replace(/\r\n?/g, "\n")
    .replace(/^[ \t]*\n/, "")
    .trimEnd()
    .split("\n");
  let common: string | undefined;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const indentation = line.slice(0, line.length - line.trimStart().length);
    common = common === undefined ? indentation : commonStart(common, indentation);
  }
  const length = common?.length ?? 0;
  return lines.map((line) => line.slice(length)).join("\n");
}

/** A line of the program that output names, as compilers and tracebacks do, and where in the output that is. */
export interface Place {
  start: number;
  end: number;
  line: number;
}

/** The places that output names: `main.c:3:5`, `main.ts(3,5)`, `"/box/main.py", line 3`. The service names the file. */
export function placesIn(output: string): Place[] {
  const found = output.matchAll(/\b[Mm]ain\.\w+(?:[:(]|"?,? line |: line )(\d+)/g);
  return Array.from(found, ({ index, 0: text, 1: line }) => ({
    start: index,
    end: index + text.length,
    line: Number(line),
  }));
}

/** The arguments of an attribute: separated by spaces, which quotes keep. */
export function argumentsOf(attribute: string): string[] {
  return Array.from(
    attribute.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
    ([, ...kinds]) => kinds.find((kind) => kind !== undefined) ?? "",
  );
}

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
