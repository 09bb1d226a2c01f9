import os
import sys
import time

# Bytes that are not UTF-8 take most room in JSON.
block = b"\xff" * 65536
for _ in range(63):
    os.write(1, block)
    os.write(2, block)
    time.sleep(float(sys.argv[1]))
