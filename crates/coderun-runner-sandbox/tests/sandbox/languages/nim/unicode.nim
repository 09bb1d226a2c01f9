echo stdin.readLine()
echo "žluťoučký 🐎"
