const a = 3;
console.log("The result is " + a * 2;
