import sys

try:
    block = bytearray(1 << 60)
except MemoryError:
    print("MemoryError")
    print("MemoryError", file=sys.stderr)
sys.exit(3)
