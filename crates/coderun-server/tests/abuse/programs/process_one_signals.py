import os
import signal

for number in signal.valid_signals():
    try:
        os.kill(1, number)
    except OSError:
        pass

# Work for process 1: it reaps what nobody waits for.
for _ in range(1000):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
print("process 1 lives")
