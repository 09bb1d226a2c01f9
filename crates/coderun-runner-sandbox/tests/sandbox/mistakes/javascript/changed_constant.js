const count = 0;
for (let i = 0; i < 3; i++) {
  count = count + 1;
}
console.log(count);
