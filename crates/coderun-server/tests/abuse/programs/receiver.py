import ctypes
import fcntl
import os
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
page = os.path.join(os.path.dirname(os.__file__), "pydoc_data", "topics.py")


def tell(what, action):
    try:
        print(f"{what}: {action()}")
    except OSError as error:
        print(f"{what}: {error.strerror}")


def holder(path):
    """Who holds a record lock that keeps others from writing."""
    wanted = struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind, *_ = struct.unpack("hhqqi", fcntl.fcntl(os.open(path, os.O_RDONLY), fcntl.F_GETLK, wanted))
    return "free" if kind == fcntl.F_UNLCK else "locked"


def connect(family, address):
    with socket.socket(family) as peer:
        return peer.connect(address)


def is_cached():
    file = os.open(page, os.O_RDONLY)
    return os.preadv(file, [bytearray(1)], 1 << 18, os.RWF_NOWAIT)


for name in ("/usr/bin/env", "/etc/passwd", "/dev/null"):
    tell("lock of the whole " + name, lambda: fcntl.flock(os.open(name, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB))
    tell("record lock on " + name, lambda: holder(name))
tell("abstract socket", lambda: connect(socket.AF_UNIX, "\0channel"))
tell("port", lambda: connect(socket.AF_INET, ("127.0.0.1", 4242)))
tell("shared memory", lambda: libc.shmget(4242, 4096, 0))
tell("message queue", lambda: libc.msgget(4242, 0))
for path in ("/tmp/channel", "/dev/shm/channel", "/box/channel"):
    tell(path, lambda: os.path.exists(path))
tell("time of /dev/null", lambda: os.stat("/dev/null").st_mtime)
tell("key", lambda: libc.syscall(250, 10, -4, b"user", b"channel", 0))
tell("processes", lambda: len([name for name in os.listdir("/proc") if name.isdigit()]))
tell("cached page", is_cached)
