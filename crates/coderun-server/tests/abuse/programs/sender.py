import ctypes
import fcntl
import os
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
one = sys.argv[1] == "1"
page = os.path.join(os.path.dirname(os.__file__), "pydoc_data", "topics.py")
held = []


def attempt(action):
    try:
        held.append(action())
    except OSError as error:
        print(error, file=sys.stderr)


def bind(family, address):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    return listener


def lock(call, path, flags, kind):
    file = os.open(path, flags)
    call(file, kind | fcntl.LOCK_NB)


def write(path):
    open(path, "w").close()


for name in ("/usr/bin/env", "/etc/passwd", "/dev/null"):
    if one:
        attempt(lambda: lock(fcntl.flock, name, os.O_RDONLY, fcntl.LOCK_EX))
        attempt(lambda: lock(fcntl.lockf, name, os.O_RDONLY, fcntl.LOCK_SH))
if one:
    attempt(lambda: lock(fcntl.lockf, "/dev/null", os.O_RDWR, fcntl.LOCK_EX))
    attempt(lambda: bind(socket.AF_UNIX, "\0channel"))
    attempt(lambda: bind(socket.AF_INET, ("127.0.0.1", 4242)))
    attempt(lambda: libc.shmget(4242, 4096, 0o1666))
    attempt(lambda: libc.msgget(4242, 0o1666))
    for path in ("/tmp/channel", "/dev/shm/channel", "/box/channel"):
        attempt(lambda: write(path))
    attempt(lambda: os.utime("/dev/null", (1, 1)))
    attempt(lambda: libc.syscall(248, b"user", b"channel", b"1", 1, -4))
with open(page, "rb", buffering=0) as file:
    if one:
        file.read()
    else:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
print("ready", flush=True)
time.sleep(10)
