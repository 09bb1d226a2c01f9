const { execSync, spawn, spawnSync, fork, exec } = require("child_process");

if (process.argv[2] === "child") {
  process.on("message", (n) => process.send(n * 2, () => process.exit(0)));
} else {
  console.log(execSync("echo $((6 * 7)) | rev").toString().trim());
  const done = spawnSync("tr", ["a-z", "A-Z"], { input: "hello" });
  console.log(done.stdout.toString(), done.status);
  exec("exit 3", (error) => {
    console.log(error.code);
    const child = fork(__filename, ["child"]);
    child.on("message", (n) => console.log("from the child", n));
    child.on("exit", (code) => {
      console.log("exit", code);
      const sleeper = spawn("sleep", ["100"]);
      sleeper.on("exit", (status, signal) => console.log(status, signal));
      sleeper.kill();
    });
    child.send(21);
  });
}
