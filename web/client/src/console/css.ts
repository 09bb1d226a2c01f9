// Gives the console its look.

/** The colours of the palette, for light and for dark pages. Each can be read on the page's colour (WCAG 2.2, AA). */
const PALETTE: readonly (readonly [light: string, dark: string])[] = [
  ["#1f2328", "#9aa1ab"],
  ["#b42318", "#ff7b72"],
  ["#1a6b34", "#4cc46a"],
  ["#7a5600", "#d6a521"],
  ["#0b57b7", "#6cb0ff"],
  ["#7d3cb5", "#d2a0ff"],
  ["#0d6a75", "#46c5d2"],
  ["#5c646e", "#c9d0d9"],
  ["#5a616b", "#a7aeb8"],
  ["#c4261d", "#ff9a92"],
  ["#1c7a3c", "#6fdc8c"],
  ["#855e00", "#ecc457"],
  ["#1a66cc", "#93c5ff"],
  ["#8a46c4", "#e0bcff"],
  ["#0f7480", "#6fdbe6"],
  ["#4b525b", "#f2f5f9"],
];

const COLORS = {
  surface: ["#ffffff", "#14161a"],
  text: ["#1f2328", "#e4e7ec"],
  muted: ["#5a616b", "#a7aeb8"],
  line: ["#d5d9df", "#343941"],
  accent: ["#0b57b7", "#6cb0ff"],
  error: ["#b42318", "#ff8a80"],
  input: ["#0b57b7", "#6cb0ff"],
} satisfies Record<string, readonly [string, string]>;

const named = Object.entries({
  ...COLORS,
  ...Object.fromEntries(PALETTE.map((pair, index) => [`ansi-${index}`, pair])),
});
/** Declares the colours as `--_text` and the like, for the style sheets of this package. */
export const COLOR_PROPERTIES = named
  .map(([name, [light, dark]]) => `--_${name}:var(--coderun-${name},light-dark(${light},${dark}));`)
  .join("");

/** The font of code. */
export const FONT =
  'var(--coderun-font, ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace)';

/** What screen readers read and nobody sees. */
export const UNSEEN =
  "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap";
const ansi = PALETTE.map(
  (_, index) =>
    `.fg-${index}{color:var(--_ansi-${index})}` +
    `.bg-${index}{background:color-mix(in srgb,var(--_ansi-${index}) 22%,var(--_surface))}` +
    `.on-${index}{background:var(--_ansi-${index})}`,
).join("");

/**
 * The style sheet of a console, for `CSSStyleSheet.replace` or a file.
 *
 * Colours follow the `color-scheme` of the page, and these custom properties: `--coderun-surface`, `-text`, `-muted`,
 * `-line`, `-accent`, `-error` (stderr), `-input` (what was typed), `-ansi-0` to `-ansi-15`; the font `--coderun-font`.
 */
export const CONSOLE_CSS = `
.coderun-console {
  ${COLOR_PROPERTIES}
  position: relative; box-sizing: border-box; height: 100%; max-height: inherit; overflow: auto; padding: .6em .8em;
  color: var(--_text); background: var(--_surface); overflow-anchor: none;
  font: max(.875rem, 13px)/1.45 ${FONT};
  direction: ltr; white-space: pre-wrap; overflow-wrap: anywhere; cursor: text;

  &:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px }
  [hidden] { display: none }
  .block:not(:last-child) { content-visibility: auto; contain-intrinsic-size: auto 145em }
  .hidden-lines { margin: 0 0 .4em; color: var(--_muted); font-style: italic; white-space: normal }
  .prompt { display: flex; align-items: last baseline; gap: .6em }
  .answer { display: flex; flex: 1 1 auto; flex-wrap: wrap; align-items: last baseline; min-width: 0; cursor: text }
  .question { max-width: 100% }
  .field {
    flex: 1 1 10ch; min-width: 0; box-sizing: border-box; margin: 0; padding: 0; border: 0; border-radius: 0;
    color: var(--_input); background: none; font: inherit; letter-spacing: inherit; caret-color: var(--_accent);
  }
  .field:focus { outline: none }
  .end {
    flex: none; margin: 0; padding: 0 .5em; border: 1px solid var(--_line); border-radius: 4px; color: var(--_muted);
    background: none; font: 400 .75rem/1.6 system-ui, sans-serif; cursor: pointer;
  }
  .end:hover { color: var(--_text); border-color: currentcolor }
  .end:focus-visible { outline: 2px solid var(--_accent) }
  .field::placeholder { color: var(--_muted); opacity: 1 }
  .prompt:focus-within { box-shadow: -.5em 0 var(--_surface), calc(-.5em - 3px) 0 var(--_muted) }
  &.waiting .prompt { box-shadow: -.5em 0 var(--_surface), calc(-.5em - 3px) 0 var(--_accent) }
  &.waiting .prompt:not(:focus-within) { animation: coderun-waiting 1.2s ease-in-out infinite alternate }
  .announcement { ${UNSEEN} }
  .stderr { color: var(--_error) }
  .input { color: var(--_input) }
  .note { color: var(--_muted); font-style: italic }
  .fg-surface { color: var(--_surface) }
  .on-text { background: var(--_text) }
  ${ansi}
  .bold { font-weight: bold }
  .dim { opacity: .8 }
  .italic { font-style: italic }
  .underline { text-decoration: underline }
  .strike { text-decoration: line-through }
  .underline.strike { text-decoration: underline line-through }
  .link { text-decoration: underline; text-decoration-style: dotted; text-underline-offset: .2em; cursor: pointer }
  .link:hover { text-decoration-style: solid; background: color-mix(in srgb, var(--_accent) 18%, transparent) }
  .link:focus-visible { outline: 2px solid var(--_accent) }
}
@keyframes coderun-waiting { to { background: color-mix(in srgb, var(--coderun-accent, #4d94e8) 14%, transparent) } }
@media (prefers-reduced-motion: reduce) { .coderun-console.waiting .prompt { animation: none !important } }
@media (pointer: coarse) { .coderun-console { .field { font-size: 16px } .end { padding: .4em .8em } } }
`;
