var
  threads: array[1..4, Thread[int]]
  results: array[1..4, int]

proc work(number: int) {.thread.} =
  results[number] = number

for number in 1..4:
  createThread(threads[number], work, number)
joinThreads(threads)
var total = 0
for result in results:
  total += result
echo total
