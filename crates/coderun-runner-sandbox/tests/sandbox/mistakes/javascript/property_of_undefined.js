const people = [{ name: "Ann" }, { name: "Bob" }];
for (let i = 0; i <= people.length; i++) {
  console.log(people[i].name);
}
