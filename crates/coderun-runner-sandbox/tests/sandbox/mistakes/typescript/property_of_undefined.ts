const people: { name: string }[] = [];
console.log(people[0].name);
