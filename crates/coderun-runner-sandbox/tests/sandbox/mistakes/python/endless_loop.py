total = 0
i = 1
while i <= 10:
    total += i
print(total)
