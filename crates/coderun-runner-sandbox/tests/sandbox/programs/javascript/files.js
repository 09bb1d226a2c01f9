const fs = require("fs");
const os = require("os");
const path = require("path");

fs.writeFileSync("marks.csv", "name,mark\nAda,95\nGrace,91\n");
fs.appendFileSync("marks.csv", "Alan,88\n");
const [header, ...rows] = fs.readFileSync("marks.csv", "utf8").trim().split("\n").map((line) => line.split(","));
console.log(header, rows.length, rows.reduce((sum, [, mark]) => sum + Number(mark), 0));
fs.mkdirSync("notes/2026", { recursive: true });
fs.writeFileSync("notes/2026/b.bin", Buffer.from([0, 255, 128]));
fs.renameSync("notes/2026/b.bin", "notes/2026/c.bin");
console.log(fs.readdirSync("notes/2026"), fs.statSync("notes/2026/c.bin").size, fs.readFileSync("notes/2026/c.bin"));
fs.rmSync("notes", { recursive: true });
console.log(fs.existsSync("notes"), path.join("a", "..", "b"), path.extname("x.tar.gz"));
try {
  fs.readFileSync("missing.txt");
} catch (error) {
  console.log(error.code);
}
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "x-"));
fs.promises
  .writeFile(path.join(folder, "f"), "later")
  .then(() => fs.promises.readFile(path.join(folder, "f"), "utf8"))
  .then(console.log)
  .then(() => new Promise((done) => fs.createReadStream("marks.csv").pipe(fs.createWriteStream("copy.csv")).on("finish", done)))
  .then(() => console.log(fs.statSync("copy.csv").size));
