age = 17
print("Next year you are " + (age + 1))
