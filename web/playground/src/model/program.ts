// Describes what the page submits.

/** A file as the editor shows it. */
export interface SourceFile {
  readonly name: string;
  readonly content: string;
}

/** A program with all that belongs to it. */
export interface Program {
  /** The canonical name of its language. */
  readonly language: string;
  /** A version of the language; the service's first one if absent. */
  readonly version?: string;
  /** The first file is the entry. */
  readonly files: readonly [SourceFile, ...SourceFile[]];
  /** The command line arguments, as they are typed. */
  readonly args: string;
  /** What the program reads from stdin. If it is empty, the user types while the program runs. */
  readonly input: string;
}

/** A place in a file that a message tells. */
export interface Mistake {
  /** The name of the file, as the program calls it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, where the message tells it. */
  readonly column?: number;
  readonly message: string;
}
