import os

for _ in range(62):
    if os.fork() == 0:
        os.setsid()
        break
print("ready", flush=True)
while True:
    pass
