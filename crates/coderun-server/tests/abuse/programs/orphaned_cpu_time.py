import os
import time

while True:
    for _ in range(4):
        if os.fork() == 0:
            if os.fork() == 0:
                while time.process_time() < 0.012:
                    pass
            os._exit(0)
    for _ in range(4):
        os.wait()
