// Turns a program into the fragment of a link and back. The program is in the link: nothing is stored or sent.

import { parseProgram } from "./parse-program";
import type { Program } from "./program";

const PREFIX = "#code=";
/** Changes when the rest of the fragment means something else. */
const VERSION = "1.";
/** The most that a program may take, compressed or not. */
const BYTES_MAX = 2 << 20;
/** Base64 takes four letters for three bytes. */
const LETTERS_MAX = Math.ceil((BYTES_MAX * 4) / 3);

/** The fragment that holds a program, such as `#code=1.q1bKSs…`. */
export async function encode({ language, version, files, args, input }: Program): Promise<string> {
  const plain = { language, version, files: files.map(({ name, content }) => ({ name, content })), args, input };
  const bytes = new TextEncoder().encode(JSON.stringify(plain));
  return PREFIX + VERSION + toBase64Url(await readAll(transformed(bytes, new CompressionStream("deflate-raw"))));
}

/**
 * The program that a fragment holds, with `#` or without. The fragment may come from anybody.
 *
 * @throws Error that says what is wrong.
 */
export async function decode(fragment: string): Promise<Program> {
  const text = fragment.startsWith("#") ? fragment : `#${fragment}`;
  if (!text.startsWith(PREFIX)) throw new Error("the link holds no program");
  const content = text.slice(PREFIX.length);
  if (!content.startsWith(VERSION)) throw new Error("the link is of another version of this page");
  if (content.length - VERSION.length > LETTERS_MAX) throw new Error("the link is too long");
  const compressed = fromBase64Url(content.slice(VERSION.length));
  const bytes = await inflate(compressed);
  return parseProgram(parseJson(bytes));
}

async function inflate(compressed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  try {
    return await readAll(transformed(compressed, new DecompressionStream("deflate-raw")), BYTES_MAX);
  } catch (error) {
    throw error instanceof RangeError ? error : new Error("the link is damaged or was cut", { cause: error });
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error("the link is damaged or was cut", { cause });
  }
}

function transformed(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream().pipeThrough(transform as ReadableWritablePair<Uint8Array, BufferSource>);
}

/** All that a stream has. It is read no further than the limit. @throws RangeError beyond it. */
async function readAll(stream: ReadableStream<Uint8Array>, max = Infinity): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > max) {
      reader.cancel().catch(() => {});
      throw new RangeError("the program in the link is too large");
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** How many bytes become text at once: a call takes only so many arguments. */
const STEP = 8_192;

function toBase64Url(bytes: Uint8Array): string {
  let units = "";
  for (let at = 0; at < bytes.length; at += STEP) units += String.fromCharCode(...bytes.subarray(at, at + STEP));
  return btoa(units).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  // `atob` takes white space, and the letters of ordinary base64.
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new Error("the link is damaged or was cut");
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (unit) => unit.charCodeAt(0));
  } catch (cause) {
    throw new Error("the link is damaged or was cut", { cause });
  }
}
