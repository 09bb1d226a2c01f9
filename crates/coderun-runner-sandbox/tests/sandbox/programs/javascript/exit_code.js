process.exitCode = 3;
console.error("fatal: nothing to do");
