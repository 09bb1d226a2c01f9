# stays below no limit
numbers = []
while True:
    numbers.append(list(range(10_000)))
