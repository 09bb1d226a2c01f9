print(input())
print('žluťoučký 🐎')
