import functools
import itertools
import operator


def counter(start=0):
    count = start

    def next_count():
        nonlocal count
        count += 1
        return count

    return next_count


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        print(f"{function.__name__}{args} = {result}")
        return result

    return wrapper


@logged
def add(a, b=1):
    """Adds."""
    return a + b


def primes():
    found = []
    for n in itertools.count(2):
        if all(n % p for p in found):
            found.append(n)
            yield n


one, two = counter(), counter(10)
print(one(), one(), two())
add(2), add(2, 3)
print(add.__doc__, functools.reduce(operator.mul, range(1, 21)))
print(list(itertools.islice(primes(), 10)), sum(itertools.takewhile(lambda p: p < 1000, primes())))
print([f(2) for f in [lambda x, n=n: x**n for n in range(4)]])
print(list(zip("abc", itertools.cycle([0, 1]))), [*map(str.upper, filter(str.isalpha, "a1b2"))])
