// Checks that code is easy to read in all its colours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** The background of code, light and dark. */
const SURFACES = ["#ffffff", "#16191c"];
/** What WCAG 2 asks of small text at level AA. */
const MIN_CONTRAST = 4.5;

const css = readFileSync("src/style/code.css", "utf8");
const names = "keyword string comment number function type variable operator".split(" ");

for (const name of names) {
  test(`the colour of a ${name} has contrast, light and dark`, () => {
    const colours = new RegExp(`--code-${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css)?.slice(1) ?? [];
    assert.equal(colours.length, 2);
    for (const [index, colour] of colours.entries()) {
      const found = contrast(colour, SURFACES[index] ?? "");
      assert.ok(found >= MIN_CONTRAST, `${colour} on ${SURFACES[index]} has ${found.toFixed(2)}`);
    }
  });
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((one, other) => one - other);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const value = parseInt(colour.slice(place, place + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
