import functools
import sys


def hanoi(n, source="A", spare="B", target="C"):
    if n == 0:
        return 0
    return hanoi(n - 1, source, target, spare) + 1 + hanoi(n - 1, spare, source, target)


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def permutations(items):
    if not items:
        yield []
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1 :]):
            yield [item, *rest]


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


print(hanoi(10), fibonacci(90))
print(["".join(p) for p in permutations(list("abc"))])
print(depth(900))
try:
    depth(100_000)
except RecursionError as error:
    print(type(error).__name__)
sys.setrecursionlimit(20_000)
print(depth(15_000))
