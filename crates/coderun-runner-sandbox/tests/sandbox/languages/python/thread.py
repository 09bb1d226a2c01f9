import threading

results = []
threads = [threading.Thread(target=results.append, args=(number,)) for number in (1, 2, 3, 4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(results))
