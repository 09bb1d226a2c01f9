const readline = require("readline/promises");

async function main() {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  const lines = terminal[Symbol.asyncIterator]();
  process.stdout.write("What is your name? ");
  const name = (await lines.next()).value;
  process.stdout.write("How old are you? ");
  const age = Number((await lines.next()).value);
  console.log(`Hello ${name}, next year you are ${age + 1}.`);
  const rest = [];
  for await (const line of lines) rest.push(line);
  console.log(rest);
}
main();
