const text = '{"name": "Zoë", "tags": ["a", "b"], "nested": {"pi": 3.14, "none": null, "yes": true}}';
const data = JSON.parse(text);
data.tags.push("c");
console.log(JSON.stringify(data));
console.log(JSON.stringify({ a: [1, 2], when: new Date(0), skip: undefined, nan: NaN }, null, 2));
console.log(JSON.parse('["1970-01-01"]', (key, value) => (key === "0" ? new Date(value).getTime() : value)));
try {
  JSON.parse("{broken}");
} catch (error) {
  console.log(error instanceof SyntaxError);
}
console.log(data, [[[[1]]]], { f() {}, s: Symbol("x"), d: new Date(0), r: /x/g, m: new Map([[1, { a: 2 }]]) });
console.log("%s is %d years and %i, %j %o", "Bob", 42.5, 42.5, { a: 1 }, [1]);
const crypto = require("crypto");
console.log(crypto.createHash("sha256").update("abc").digest("hex").slice(0, 16), Buffer.from("hello").toString("base64"));
console.log(crypto.randomUUID().length, encodeURIComponent("a b&c"), new URL("http://x.y/z?q=1").searchParams.get("q"));
