import sys

name = input("What is your name? ")
age = int(input("How old are you? "))
print(f"Hello {name}, next year you are {age + 1}.")
while (line := input("> ")) != "stop":
    try:
        print(sum(map(float, line.split())))
    except ValueError:
        print("numbers, please")
print([line.rstrip() for line in sys.stdin])
try:
    input()
except EOFError as error:
    print(error)
