// The lines that a console keeps, from what a program writes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";

import { CONSOLE_CSS } from "../src/console/css.js";
import { Screen, type Source } from "../src/console/screen.js";

/** A screen after these pieces of stdout. */
function screenOf(...pieces: string[]): Screen {
  const screen = new Screen();
  for (const piece of pieces) screen.write("stdout", piece);
  return screen;
}

/** The last line as text with its classes and colours. */
function lastRuns(screen: Screen): string[] {
  const { runs } = screen.line(screen.end - 1);
  return runs.map(({ text, style }) => [text, style.classes, style.color, style.background].join("|"));
}

/** Writes text in pieces of one character. */
function cut(text: string): string[] {
  return Array.from(text);
}

test("text stays as it is", () => {
  assert.equal(screenOf("one\n\ntwo").text, "one\n\ntwo");
  assert.equal(screenOf("Grüße, 世界 🎉\n").text, "Grüße, 世界 🎉\n");
});

test("a carriage return lets a progress bar overwrite itself", () => {
  assert.equal(screenOf("10 %\r50 %\r100 %\n").text, "100 %\n");
  assert.equal(screenOf("a long line\rshort").text, "shortg line");
  assert.equal(screenOf("Windows\r\nlines\r\n").text, "Windows\nlines\n");
});

test("backspaces and tabs move the cursor", () => {
  assert.equal(screenOf("abc\b\bX").text, "aXc");
  assert.equal(screenOf("\b\bX").text, "X");
  assert.equal(screenOf("a\tb\t\tc").text, "a       b               c");
  assert.equal(screenOf("12345678\tx").text, "12345678        x");
});

test("the 16 colours and the flags become classes", () => {
  assert.deepEqual(lastRuns(screenOf("a\x1b[1;31mb\x1b[0mc")), ["a|||", "b|bold fg-1||", "c|||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[92;44mx")), ["x|fg-10 bg-4||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[2;3;4;9mx\x1b[22;23;24;29my")), ["x|dim italic underline strike||", "y|||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[31;42mx\x1b[39;49my")), ["x|fg-1 bg-2||", "y|||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[31mx\x1b[my")), ["x|fg-1||", "y|||"]);
});

test("256 and 24-bit colours become CSS colours", () => {
  assert.deepEqual(lastRuns(screenOf("\x1b[38;5;9mx")), ["x|fg-9||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[38;5;208mx")), ["x||#ff8700|"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[38;5;255mx")), ["x||#eeeeee|"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[1;38;2;1;2;255;4mx")), ["x|bold underline|#0102ff|"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[38:2::1:2:3mx")), ["x||#010203|"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[38;2;256;0;0mx")), ["x|||"]);
});

test("text without a colour can be read on a background of 24 bits", () => {
  assert.deepEqual(lastRuns(screenOf("\x1b[48;2;255;255;0mx")), ["x||#000000|#ffff00"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[48;5;17mx")), ["x||#ffffff|#00005f"]);
});

test("inverse text exchanges its colours", () => {
  assert.deepEqual(lastRuns(screenOf("\x1b[7mx")), ["x|fg-surface on-text||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[7;31mx")), ["x|on-1 fg-surface||"]);
  assert.deepEqual(lastRuns(screenOf("\x1b[7;31;42mx\x1b[27my")), ["x|fg-2 on-1||", "y|fg-1 bg-2||"]);
});

test("an escape sequence may be cut anywhere", () => {
  const text = "\x1b[1;38;5;208mab\x1b[0m\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x1b(B";
  assert.deepEqual(lastRuns(screenOf(...cut(text))), lastRuns(screenOf(text)));
  assert.deepEqual(lastRuns(screenOf(text)), ["ab|bold|#ff8700|", "cd|||"]);
});

test("sequences without a meaning here are dropped", () => {
  assert.equal(screenOf("a\x1b[?25l\x1b[?1049hb\x1b[6nc\x1b[>4;2md\x1b=e\x1b#8f\x1bP1$r\x1b\\g").text, "abcdefg");
});

test("a string that is never closed hides no more than its line", () => {
  assert.equal(screenOf("a\x1b]0;title\nb\n").text, "a\nb\n");
});

test("other control characters are shown", () => {
  assert.equal(screenOf("a\x00b\x07c\x7fd\x9be").text, "a␀b␇c␡d\ufffde");
});

test("lines can be erased in parts", () => {
  assert.equal(screenOf("abcdef\x1b[3D\x1b[K").text, "abc");
  assert.equal(screenOf("abcdef\x1b[3D\x1b[1K").text, "    ef");
  assert.equal(screenOf("abcdef\r\x1b[2Kx").text, "x");
});

test("the cursor moves in the line, up and down", () => {
  assert.equal(screenOf("abc\x1b[2DX\x1b[CY").text, "aXcY");
  assert.equal(screenOf("one\ntwo\n\x1b[2AX\x1b[BY\n").text, "Xne\ntYo\n");
  assert.equal(screenOf("0 %\n0 %\x1b[F50 %\x1b[E70 %\n").text, "50 %\n70 %\n");
  assert.equal(screenOf("abc\x1b[5GX").text, "abc X");
  assert.equal(screenOf("\x1b[99A\x1b[99DX").text, "X");
});

test("a picture is drawn again from the top", () => {
  assert.equal(screenOf("..\n..\n", "\x1b[H#.\n.#\n", "\x1b[2;1H##").text, "#.\n##\n");
  assert.equal(screenOf("one\ntwo\nthree", "\x1b[H\x1b[J", "X").text, "X\n\n");
});

test("clearing the screen removes all lines", () => {
  assert.equal(screenOf("one\ntwo", "\x1b[2J\x1b[Hthree").text, "three");
  assert.equal(screenOf("one\ntwo", "\x1b[H\x1b[2Jthree").text, "three");
  const screen = screenOf("\x1b[31mone\ntwo", "\x1bcthree");
  assert.deepEqual(lastRuns(screen), ["three|||"]);
  assert.equal(screen.text, "three");
});

test("stdout and stderr share the cursor and have colours of their own", () => {
  const screen = new Screen();
  const pieces: [Source, string][] = [
    ["stdout", "\x1b[32mout "],
    ["stderr", "err \x1b["],
    ["stdout", "out "],
    ["stderr", "1merr"],
  ];
  for (const [source, text] of pieces) screen.write(source, text);
  assert.deepEqual(lastRuns(screen), ["out |fg-2||", "err |stderr||", "out |fg-2||", "err|stderr bold||"]);
});

test("typed text follows the question, without effect on the terminal", () => {
  const screen = screenOf("\x1b[31mName? ");
  screen.write("input", "A\x1b[2Jda\n");
  screen.write("stdout", "Hello");
  assert.equal(screen.text, "Name? A␛[2Jda\nHello");
  assert.deepEqual(lastRuns(screen), ["Hello|fg-1||"]);
});

test("a note has lines of its own, whether the output ends one or not", () => {
  const screen = screenOf("unfinished");
  screen.write("note", "The connection was lost");
  screen.write("note", "It is back\n");
  screen.write("stdout", "more");
  assert.equal(screen.text, "unfinished\nThe connection was lost\nIt is back\nmore");
});

test("the last 5 000 lines are kept, and the others counted", () => {
  const screen = screenOf(...Array.from({ length: 12_000 }, (_, index) => `${index}\n`));
  const lines = screen.text.split("\n");
  assert.equal(lines.length, 5_000);
  assert.equal(lines[0], "7001");
  assert.equal(screen.hidden, 7_001);
  screen.clear();
  assert.deepEqual([screen.text, screen.hidden], ["", 0]);
});

test("1 MiB of text is kept, in lines of 64 KiB", () => {
  const screen = screenOf("x".repeat(3_000_000));
  const lines = screen.text.split("\n");
  assert.ok(lines.every((line) => line.length <= 65_536));
  assert.ok(screen.text.length <= 1024 * 1024 && screen.text.length > 900_000);
});

test("many colours count as text, so that the page stays small", () => {
  const screen = screenOf(Array.from({ length: 300_000 }, (_, index) => `\x1b[3${index % 7}mx`).join(""));
  let runs = 0;
  for (let number = screen.first; number < screen.end; number += 1) runs += screen.line(number).runs.length;
  assert.ok(runs < 65_536, `${runs} runs`);
});

test("only lines that changed are drawn again", () => {
  const screen = screenOf("one\ntwo\nthree\n");
  assert.deepEqual([...screen.takeChanged()], []);
  screen.write("stdout", "\x1b[2AX\x1b[2Bfour\nfive");
  assert.deepEqual([...screen.takeChanged()].sort(), [1, 3]);
  assert.deepEqual([...screen.takeChanged()], []);
});

test("5 MB in small pieces take less than ten seconds", (context) => {
  const screen = new Screen();
  const begin = performance.now();
  for (let index = 0; index < 100_000; index += 1) {
    screen.write(
      index % 3 ? "stdout" : "stderr",
      `\x1b[3${index % 8}mLine ${index}\x1b[0m of a long output, with a colour\n`,
    );
  }
  const duration = performance.now() - begin;
  context.diagnostic(`${Math.round(duration)} ms`);
  assert.ok(duration < 10_000, `${duration} ms`);
});

test("overwriting a line of many colours again and again is no slower", () => {
  const screen = screenOf(...Array.from({ length: 4_000 }, (_, index) => `\x1b[3${index % 7}mx`));
  const begin = performance.now();
  for (let index = 0; index < 100_000; index += 1) screen.write("stdout", `\r\x1b[3${index % 7}m\x1b[${index % 900}Cx`);
  assert.ok(performance.now() - begin < 10_000);
});

test("any output gives the same lines however it is cut, and no more than is kept", () => {
  const parts =
    "a bc \n \r \b \t [ \x1b[A \x1b[3B \x1b[2C \x1b[D \x1b[H \x1b[5;7H \x1b[K \x1b[1K \x1b[2K \x1b[J \x1b[2J \x1bc \x1bM";
  const more = "\x1b[31m \x1b[1;7m \x1b[m \x1b[38;5;200m \x1b]0;t\x07 \x1b \x00 \x9b 🎉 \x1b[999C \x1b[G \x1b[9999999B";
  const all = [...`${parts} ${more}`.split(" "), "x".repeat(40_000)];
  // Numbers that look random, and are the same each time.
  let seed = 1;
  const below = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % limit;
  };
  // Neighbours of one style may be one run or two.
  const dump = (screen: Screen) => {
    const numbers = Array.from({ length: screen.end - screen.first }, (_, index) => screen.first + index);
    const styles = numbers.map((number) =>
      screen.line(number).runs.map(({ text, style }) => [JSON.stringify(style), text]),
    );
    return styles.map((runs) =>
      runs.map(([style, text], index) => (style === runs[index - 1]?.[0] ? text : style + `${text}`)).join(""),
    );
  };
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: below(60) }, () => all[below(all.length)]).join("");
    const pieces: string[] = [];
    for (let start = 0; start < text.length; start += pieces.at(-1)?.length ?? 1) {
      pieces.push(text.slice(start, start + 1 + below(text.length > 1_000 ? 9_000 : 4)));
    }
    const screen = screenOf(...pieces);
    assert.ok(isDeepStrictEqual(dump(screen), dump(screenOf(text))), JSON.stringify(text).slice(0, 500));
    assert.ok(screen.text.length <= 1024 * 1024);
  }
});

/** The relative luminance of a colour (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test("all colours of text can be read on light and dark pages", () => {
  const found = CONSOLE_CSS.matchAll(/--coderun-([\w-]+),light-dark\((#\w{6}),(#\w{6})\)/g);
  const colors = new Map(Array.from(found, ([, name = "", light = "", dark = ""]) => [name, [light, dark] as const]));
  const surface = colors.get("surface");
  assert.ok(surface);
  const texts = [...colors].filter(([name]) => name !== "surface" && name !== "line");
  assert.equal(texts.length, 21);
  for (const [name, [light, dark]] of texts) {
    assert.ok(contrast(light, surface[0]) >= 4.5, `${name} is too light: ${contrast(light, surface[0])}`);
    assert.ok(contrast(dark, surface[1]) >= 4.5, `${name} is too dark: ${contrast(dark, surface[1])}`);
  }
});
