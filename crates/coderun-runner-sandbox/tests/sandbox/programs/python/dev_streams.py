import sys

with open("/dev/stdin") as file:
    numbers = [int(word) for word in file.read().split()]
with open("/dev/stdout", "w") as file:
    print(sum(numbers), file=file)
with open("/dev/fd/1", "w") as file:
    print(max(numbers), file=file)
with open("/proc/self/fd/2", "w") as file:
    print("to stderr", file=file)
print(sys.stdin.read() == "")
