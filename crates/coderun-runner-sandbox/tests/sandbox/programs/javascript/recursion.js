const hanoi = (n, from = "A", via = "B", to = "C") => (n === 0 ? 0 : hanoi(n - 1, from, to, via) + 1 + hanoi(n - 1, via, from, to));
const fibonacci = (n, known = new Map()) => {
  if (n < 2n) return n;
  if (!known.has(n)) known.set(n, fibonacci(n - 1n, known) + fibonacci(n - 2n, known));
  return known.get(n);
};
function* permutations(items) {
  if (items.length === 0) yield [];
  for (let i = 0; i < items.length; i++)
    for (const rest of permutations(items.filter((_, j) => j !== i))) yield [items[i], ...rest];
}
const depth = (n) => (n === 0 ? 0 : 1 + depth(n - 1));
console.log(hanoi(10), fibonacci(150n));
console.log([...permutations(["a", "b", "c"])].map((p) => p.join("")).join(" "));
console.log(depth(5000));
try {
  depth(1e9);
} catch (error) {
  console.log(error instanceof RangeError, error.message);
}
