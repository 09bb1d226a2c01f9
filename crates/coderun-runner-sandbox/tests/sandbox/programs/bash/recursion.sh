hanoi() {
  (($1 == 0)) && return
  hanoi $(($1 - 1)) "$2" "$4" "$3"
  ((moves++))
  hanoi $(($1 - 1)) "$4" "$3" "$2"
}
moves=0
hanoi 8 A B C
echo $moves
factorial() { if (($1 < 2)); then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
factorial 15
tree() {
  local entry
  for entry in "$1"/*; do
    [ -e "$entry" ] || continue
    echo "$2${entry##*/}"
    [ -d "$entry" ] && tree "$entry" "$2  "
  done
}
mkdir -p a/b/c a/d; touch a/b/file
tree a ""
depth() { (($1 == 0)) && { echo bottom; return; }; depth $(($1 - 1)); }
depth 1000
