for n in 3 1 2; do (sleep "0.$n"; echo "job $n") & done
wait; echo "all done"
sleep 100 & kill $!; wait $!; echo "status $?"
results=$(for n in {1..4}; do echo "$n"; done | xargs -P 4 -I{} sh -c 'echo $(({} * {}))' | sort -n | paste -sd ' ')
echo "$results"
mkfifo pipe; (echo "through a pipe" > pipe) & read -r line < pipe; echo "$line"; wait
coproc upper { while read -r line; do echo "${line^^}"; done; }
echo "hello" >&"${upper[1]}"; read -r answer <&"${upper[0]}"; echo "$answer"
diff <(printf '1\n2\n') <(printf '1\n3\n') | tail -n +2
timeout 0.2 sleep 5; echo "timeout $?"
