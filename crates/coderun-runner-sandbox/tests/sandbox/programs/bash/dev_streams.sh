sort -n /dev/stdin > /dev/stdout
echo "to stderr" > /dev/stderr
echo "again" | cat /dev/fd/0 - | tee /dev/stderr /proc/self/fd/1
cat < /dev/null; head -c 3 /dev/zero | od -An -tx1; [ -e /dev/stdin ] && echo there
