count = int(input("How many? "))
print(count * 2)
