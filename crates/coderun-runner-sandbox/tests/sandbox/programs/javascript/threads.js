const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");

if (!isMainThread) {
  const { from, to, shared } = workerData;
  let sum = 0;
  for (let n = from; n < to; n++) sum += n;
  for (let i = 0; i < 1000; i++) Atomics.add(shared, 0, 1);
  parentPort.postMessage(sum);
} else {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const parts = Array.from({ length: 4 }, (_, i) => new Promise((done, fail) => {
    const worker = new Worker(__filename, { workerData: { from: i * 1e6, to: (i + 1) * 1e6, shared } });
    worker.on("message", done).on("error", fail);
  }));
  Promise.all(parts).then((sums) => {
    console.log(sums.reduce((a, b) => a + b), Atomics.load(shared, 0));
    require("crypto").pbkdf2("secret", "salt", 1000, 16, "sha256", (error, key) => console.log(error, key.length));
  });
}
