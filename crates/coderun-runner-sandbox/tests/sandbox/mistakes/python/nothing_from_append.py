names = ["Ann"]
names = names.append("Bob")
names.append("Cem")
print(names)
