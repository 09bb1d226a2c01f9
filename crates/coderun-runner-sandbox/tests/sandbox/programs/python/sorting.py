import bisect
import heapq
import random


def quicksort(items):
    if len(items) < 2:
        return items
    pivot, *rest = items
    return quicksort([x for x in rest if x < pivot]) + [pivot] + quicksort([x for x in rest if x >= pivot])


random.seed(7)
numbers = [random.randrange(10**6) for _ in range(20_000)]
print(quicksort(numbers) == sorted(numbers))
words = "the quick brown fox jumps over the lazy dog".split()
print(sorted(words, key=lambda word: (len(word), word)))
print(sorted(words, key=len, reverse=True))
heap = numbers[:1000]
heapq.heapify(heap)
print([heapq.heappop(heap) for _ in range(1000)] == sorted(numbers[:1000]))
print(heapq.nlargest(3, [4, 9, 1, 7]), bisect.bisect([10, 20, 30], 25))
