import os
import resource

for limit in ("CPU", "AS", "DATA", "NOFILE", "NPROC", "STACK", "FSIZE", "MEMLOCK"):
    try:
        resource.prlimit(1, getattr(resource, "RLIMIT_" + limit), (0, 0))
        print(limit, "was limited")
    except (OSError, ValueError):
        pass

# Work for process 1: it reaps what nobody waits for.
for _ in range(1000):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
print("process 1 lives")
