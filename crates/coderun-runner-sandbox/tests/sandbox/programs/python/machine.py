import multiprocessing
import os
import platform
import resource
import shutil
import socket

print(os.cpu_count() >= 1, multiprocessing.cpu_count() >= 1, len(os.sched_getaffinity(0)) >= 1)
print(platform.system(), platform.python_implementation(), socket.gethostname())
print(os.getcwd(), os.environ["HOME"], os.path.exists(os.environ["TMPDIR"]))
print(os.getuid(), os.getlogin() if os.isatty(0) else os.environ["USER"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0, shutil.which("bash") is not None)
print(os.getloadavg()[0] >= 0, os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES") > 0)
soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 64))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
print(os.path.isdir("/proc/self"), open("/proc/self/comm").read().strip()[:6])
