import os
import threading
import time

threading.Thread(target=input, daemon=True).start()
time.sleep(2)
for _ in range(30):
    if os.fork() == 0:
        os.setsid()
        break
while True:
    pass
