import ctypes
import os

libc = ctypes.CDLL(None)
attempts = [
    lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
    lambda: os.sched_setaffinity(1, {0}),
    lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
    lambda: open("/proc/1/oom_score_adj", "w").write("1000"),
    lambda: open("/proc/1/mem", "r+b").close(),
    lambda: libc.ptrace(16, 1, 0, 0) == 0 and print("process 1 was attached to"),
]
for attempt in attempts:
    try:
        attempt()
    except OSError:
        pass

# Work for process 1: it reaps what nobody waits for.
for _ in range(1000):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
print("process 1 lives")
