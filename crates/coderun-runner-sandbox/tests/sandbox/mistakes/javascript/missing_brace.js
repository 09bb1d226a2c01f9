function greet(name) {
  if (name) {
    console.log("Hello " + name);
}
greet("Ann");
