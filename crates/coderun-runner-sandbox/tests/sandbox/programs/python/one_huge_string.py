print("before")
text = "x" * (8 << 30)
print(len(text))
