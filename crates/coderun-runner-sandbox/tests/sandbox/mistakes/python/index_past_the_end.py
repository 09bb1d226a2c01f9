names = ["Ann", "Bob", "Cem"]
for i in range(len(names) + 1):
    print(names[i])
