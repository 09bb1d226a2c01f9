let n = 11;
while (n != 1) {
  n = n - 3;
}
console.log("done");
