greet() { local name=${1:-world}; echo "hello $name ($#)"; return 3; }
greet; greet you; echo "status $?"
declare -A ages=([ada]=36 [alan]=41)
ages[grace]=85
for name in $(printf '%s\n' "${!ages[@]}" | sort); do echo "$name=${ages[$name]}"; done
echo "${#ages[@]} people"
list=(a "b c" d); list+=(e)
echo "${#list[@]} ${list[1]} ${list[@]:1:2} ${list[-1]}"
swap() { local -n x=$1 y=$2; local t=$x; x=$y; y=$t; }
one=1 two=2; swap one two; echo "$one $two"
while getopts 'ab:' option -a -b value; do echo "$option ${OPTARG:-}"; done
case "file.tar.gz" in *.zip) echo zip ;; *.tar.*) echo tar ;; esac
path=/usr/local/lib/x.so.1
echo "${path##*/} ${path%.*} ${path/local/share} ${#path} ${path:5:5} ${path^^}"
[[ "ada@maths.org" =~ ^([a-z]+)@([a-z]+)\.org$ ]] && echo "${BASH_REMATCH[1]} at ${BASH_REMATCH[2]}"
eval 'x=5'; echo $((x ** 3 % 7)) $((16#ff)) $((x > 3 ? 1 : 0)) {1..5} {a..e..2}
printf '%05.2f|%-6s|%x|%q\n' 3.14159 ab 255 'a b'
set -- one two three; shift; echo "$1 $* $#"
