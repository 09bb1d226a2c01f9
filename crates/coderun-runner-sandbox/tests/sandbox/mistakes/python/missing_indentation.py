numbers = [3, 1, 2]
for number in numbers:
print(number * 2)
