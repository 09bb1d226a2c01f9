import { Worker, isMainThread, parentPort, workerData } from 'worker_threads';

if (isMainThread) {
  const results: Promise<number>[] = [1, 2].map(
    (number) => new Promise((resolve) => new Worker(__filename, { workerData: number }).on('message', resolve)),
  );
  Promise.all(results).then((numbers) => console.log(numbers.reduce((a, b) => a + b)));
} else {
  parentPort!.postMessage(workerData * 3 + 0.5);
}
