const cluster = require("cluster");
const os = require("os");

if (cluster.isPrimary) {
  const count = os.cpus().length;
  let ended = 0;
  cluster.on("exit", (worker, code) => {
    ended++;
    if (ended === count) console.log(count >= 1, "all ended with", code);
  });
  for (let i = 0; i < count; i++) cluster.fork();
} else {
  process.exit(5);
}
