class TooPoor extends Error {
  constructor(missing) {
    super(`${missing} missing`);
    this.name = "TooPoor";
    this.missing = missing;
  }
}
function pay(balance, price) {
  if (price > balance) throw new TooPoor(price - balance);
  return balance - price;
}
for (const action of [() => pay(5, 3), () => pay(3, 5), () => null.x, () => JSON.parse("{"), () => undefinedName]) {
  try {
    console.log(action());
  } catch (error) {
    console.log(error.name, error instanceof TooPoor ? error.missing : "");
  } finally {
    console.log("next");
  }
}
const failure = new Error("outer", { cause: new Error("inner") });
console.log(failure.cause.message);
Promise.reject(new TooPoor(1))
  .catch((error) => console.log("caught", error.missing))
  .then(async () => {
    try {
      await Promise.all([Promise.resolve(1), Promise.reject(new Error("one of them"))]);
    } catch (error) {
      console.log(error.message);
    }
    console.log((await Promise.allSettled([1, Promise.reject(2)])).map((result) => result.status));
    process.on("exit", (code) => console.log("exit", code));
    pay(1, 2);
  });
