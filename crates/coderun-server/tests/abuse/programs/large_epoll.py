"""Waits in many threads for an epoll with 300,000 items, which the kernel describes to whoever looks for a prompt."""
import os, select, threading, time

epoll = select.epoll()
descriptors = range(100, 250)
for _ in range(25):
    kept = []
    for _ in range(80):
        file = os.eventfd(0)
        os.set_inheritable(file, True)
        for descriptor in descriptors:
            os.dup2(file, descriptor)
            epoll.register(descriptor, select.EPOLLIN)
        os.closerange(descriptors.start, descriptors.stop)
        kept.append(file)
    # An item lasts as long as its file, which the child keeps open.
    if os.fork() == 0:
        epoll.close()
        time.sleep(100)
    for file in kept:
        os.close(file)
for _ in range(20):
    threading.Thread(target=epoll.poll, daemon=True).start()
print("ready", flush=True)
time.sleep(100)
