printf '%s,%s\n' name mark Ada 95 Grace 91 > marks.csv
echo Alan,88 >> marks.csv
tail -n +2 marks.csv | while IFS=, read -r name mark; do echo "$name has $((mark + 1))"; done
wc -l < marks.csv
mkdir -p notes/2026 && cd notes && touch 2026/{a,b}.txt
mv 2026/a.txt 2026/c.txt; cp 2026/b.txt 'with space.txt'
find . -type f | sort
cd .. && ls notes && rm -r notes && [ ! -e notes ] && echo gone
file=$(mktemp) && echo temporary > "$file" && cat "$file" && stat -c %s "$file"
cat missing.txt || echo "status $?"
ln -s marks.csv link && readlink link && head -1 link
chmod 600 marks.csv && stat -c %A marks.csv && du -b marks.csv
tar -czf all.tgz marks.csv && tar -tzf all.tgz
