const fs = require("fs");

const [count, ...numbers] = fs.readFileSync(0, "utf8").split(/\s+/).filter(Boolean).map(Number);
console.log(count, numbers.reduce((a, b) => a + b, 0), numbers.length);
