const os = require("os");

console.log(os.cpus().length > 0, os.availableParallelism() > 0, os.cpus()[0].model.length > 0);
console.log(os.totalmem() > 0, os.freemem() > 0, os.totalmem() >= os.freemem(), os.uptime() > 0, os.loadavg().length);
console.log(os.hostname(), os.platform(), os.userInfo().username, os.homedir(), os.tmpdir());
console.log(Object.keys(os.networkInterfaces()), process.memoryUsage().heapUsed > 0, process.cwd(), process.uptime() < 30);
console.log(process.version.startsWith("v"), process.pid > 0, process.env.HOME, process.stdout.isTTY);
