import concurrent.futures
import queue
import threading
import time

total, lock = 0, threading.Lock()


def add():
    global total
    for _ in range(10_000):
        with lock:
            total += 1


threads = [threading.Thread(target=add) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)

sleepers = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(30)]
for thread in sleepers:
    thread.start()
print(threading.active_count())
for thread in sleepers:
    thread.join()

jobs, results = queue.Queue(), []


def work():
    while (job := jobs.get()) is not None:
        results.append(job * job)
        jobs.task_done()


worker = threading.Thread(target=work, daemon=True)
worker.start()
for n in range(10):
    jobs.put(n)
jobs.join()
jobs.put(None)
worker.join()
print(results)
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(sum(pool.map(lambda n: n * n, range(1000))))
local, event = threading.local(), threading.Event()
threading.Timer(0.05, event.set).start()
print(event.wait(5), hasattr(local, "x"))
