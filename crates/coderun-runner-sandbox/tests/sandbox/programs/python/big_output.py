import sys

for n in range(20_000):
    print(n, "x" * 20)
sys.stdout.write("y" * 100_000 + "\n")
