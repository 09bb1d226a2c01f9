import mmap
import time

hidden = []
while True:
    block = mmap.mmap(-1, 8 << 20)
    block.write(b"x" * (8 << 20))
    hidden.append(block)
    time.sleep(0.01)
