print(io.read())
print('žluťoučký 🐎')
