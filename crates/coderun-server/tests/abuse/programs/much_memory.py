import time

memory = bytearray(900 << 20)
for at in range(0, len(memory), 4096):
    memory[at] = 1
time.sleep(4)
print("done")
