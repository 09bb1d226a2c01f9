count=1
while [ "$count" -le 3 ]; do
    total=$((total + count))
done
