printf '%s\n' 10 9 1 33 | sort; printf '%s\n' 10 9 1 33 | sort -n | paste -sd ' '
printf 'b 2\na 10\nc 1\n' | sort -k2 -n -r
echo the quick brown fox jumps over the lazy dog the end | tr ' ' '\n' | sort | uniq -c | sort -k1,1nr -k2 | head -3
numbers=(5 3 9 1 7)
for ((i = 0; i < ${#numbers[@]}; i++)); do
  for ((j = 0; j < ${#numbers[@]} - 1 - i; j++)); do
    if ((numbers[j] > numbers[j + 1])); then
      t=${numbers[j]}; numbers[j]=${numbers[j + 1]}; numbers[j + 1]=$t
    fi
  done
done
echo "${numbers[@]}"
seq 100000 | sort -R | sort -n | tail -1
shuf -i 1-5 | sort | tr -d '\n'; echo
