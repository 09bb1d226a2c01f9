cat > log.txt <<'LOG'
10:01 GET /index 200
10:02 POST /login 500
10:03 GET /about 200
10:04 GET /index 404
LOG
awk '$4 == 200 { n++; print $3 } END { print n " fine" }' log.txt
sed -E 's#^([0-9:]+) (GET|POST)#\2 at \1#' log.txt | head -2
grep -c GET log.txt; grep -Eo '/[a-z]+' log.txt | sort -u; cut -d' ' -f4 log.txt | sort | uniq -c | awk '{ print $2 "=" $1 }'
echo 'äöü' | wc -m; echo hello | rev; tac log.txt | head -1; nl -w1 -s: log.txt | tail -1
printf 'a\tb\n' | expand -t4; echo 'x=1;y=2' | tr ';' '\n' | while IFS='=' read -r k v; do echo "$k is $v"; done
paste -d, <(seq 3) <(seq 4 6); join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n'); echo abc | md5sum | cut -c1-8; echo aGk= | base64 -d; echo
comm -12 <(printf 'a\nb\n') <(printf 'b\nc\n'); seq 1 5 | awk '{ s += $1 } END { printf "%.2f\n", s / NR }'; echo "scale" | od -c | head -1
