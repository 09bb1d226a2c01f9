let state = 7;
const random = () => (state = (state * 48271) % 2147483647);
const numbers = Array.from({ length: 20000 }, random);
function mergeSort(items) {
  if (items.length < 2) return items;
  const middle = items.length >> 1;
  const [left, right] = [mergeSort(items.slice(0, middle)), mergeSort(items.slice(middle))];
  const merged = [];
  for (let i = 0, j = 0; i < left.length || j < right.length; )
    merged.push(j === right.length || (i < left.length && left[i] <= right[j]) ? left[i++] : right[j++]);
  return merged;
}
console.log(mergeSort(numbers).every((n, i, all) => i === 0 || all[i - 1] <= n));
console.log([10, 9, 1].sort(), [10, 9, 1].sort((a, b) => a - b), [3, 1, 2].sort().reverse());
console.log("the quick brown fox jumps".split(" ").sort((a, b) => a.length - b.length || a.localeCompare(b)));
console.log(["z", "ä", "a"].sort(new Intl.Collator("de").compare));
