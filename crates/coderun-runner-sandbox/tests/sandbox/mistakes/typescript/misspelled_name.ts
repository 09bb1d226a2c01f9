const total: number = 3 + 4;
console.log("You pay", totl);
