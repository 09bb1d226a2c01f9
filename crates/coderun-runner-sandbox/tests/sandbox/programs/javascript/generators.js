function* naturals(from = 0) {
  while (true) yield from++;
}
function* take(count, items) {
  for (const item of items) {
    if (count-- <= 0) return;
    yield item;
  }
}
const map = (items, change) => ({
  *[Symbol.iterator]() {
    for (const item of items) yield change(item);
  },
});
console.log([...take(5, map(naturals(1), (n) => n * n))]);
const { a, b: { c = 3, ...rest }, ...others } = { a: 1, b: { d: 4, e: 5 }, f: 6 };
console.log(a, c, rest, others, [..."héllo"].length);
const counts = new Map();
for (const letter of "mississippi") counts.set(letter, (counts.get(letter) ?? 0) + 1);
console.log(counts, new Set([1, 1, 2]));
console.log([1, [2, [3, [4]]]].flat(Infinity), [1, 2, 3].at(-1), Object.entries({ x: 1 }));
console.log(2n ** 100n, 0.1 + 0.2, (1234.5678).toFixed(2), parseInt("ff", 16), Number.MAX_SAFE_INTEGER);
const proxy = new Proxy({}, { get: (_, name) => `no ${String(name)}` });
console.log(proxy.luck, [..."a1b22".matchAll(/[a-z](\d+)/g)].map((match) => match[1]), "x".padStart(3, "-"));
console.log(typeof structuredClone({ when: new Date(0) }).when.getTime, Symbol("s").description, new Uint16Array([65536, 1]));
