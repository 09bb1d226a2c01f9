const numbers = "1 2 3";
const doubled = numbers.map((number) => number * 2);
console.log(doubled);
