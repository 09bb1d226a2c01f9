read -r line
echo "$line"
echo 'žluťoučký 🐎'
