const words = require("fs").readFileSync("/dev/stdin", "utf8").trim().split(/\s+/);
console.log(words.reverse().join(" "));
require("fs").writeFileSync("/dev/stdout", "again\n");
