ages = {"ann": 17, "bob": 18}
print(ages["cem"])
