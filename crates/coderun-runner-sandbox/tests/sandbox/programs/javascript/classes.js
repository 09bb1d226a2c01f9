class Shape {
  static #count = 0;
  constructor(name) {
    this.name = name;
    Shape.#count++;
  }
  static get count() {
    return Shape.#count;
  }
  area() {
    throw new Error("abstract");
  }
  toString() {
    return `${this.name} of ${this.area().toFixed(2)}`;
  }
}
class Circle extends Shape {
  #radius;
  constructor(radius) {
    super("circle");
    this.#radius = radius;
  }
  get radius() {
    return this.#radius;
  }
  set radius(value) {
    if (value < 0) throw new RangeError("a radius is not negative");
    this.#radius = value;
  }
  area() {
    return Math.PI * this.#radius ** 2;
  }
}
class Queue {
  #items = [];
  add(item) {
    this.#items.push(item);
    return this;
  }
  *[Symbol.iterator]() {
    yield* this.#items;
  }
}
const circle = new Circle(2);
console.log(`${circle}`, Shape.count, circle instanceof Shape, circle);
try {
  circle.radius = -1;
} catch (error) {
  console.log(error.name, error.message);
}
console.log([...new Queue().add(1).add("two")], Object.keys(circle), typeof Circle);
function Old(name) {
  this.name = name;
}
Old.prototype.greet = function () {
  return "hi " + this.name;
};
console.log(new Old("you").greet(), Object.create({ inherited: 1 }).inherited, { ...{ a: 1 }, b: 2 });
