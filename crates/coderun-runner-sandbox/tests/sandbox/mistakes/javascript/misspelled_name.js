const total = [3, 4, 5].reduce((sum, price) => sum + price);
console.log("You pay", totl);
