// Holds the program that a newcomer sees first: it shows output, and asks.

import type { Program } from "./program";

const CODE = `# Press Run. Then answer in the console.
name = input("What is your name? ")
year = int(input(f"Hello {name}! In which year were you born? "))

print(f"You turn {2050 - year} in 2050.")
`;

export const WELCOME: Program = {
  language: "python",
  files: [{ name: "main.py", content: CODE }],
  args: "",
  input: "",
};
