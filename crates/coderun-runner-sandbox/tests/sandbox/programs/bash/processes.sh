[ "$(nproc)" -ge 1 ] && echo "processors"
free -m | awk '/^Mem:/ { print ($2 > 0 && $3 >= 0) }'
uptime | grep -c 'load average'
ps -e -o comm= > list; sort list | paste -sd " "
ps aux | head -1 | awk '{ print $1, $NF }'
whoami; id -u; hostname; pwd; echo "$HOME $USER $TMPDIR"
read -r load _ < /proc/loadavg && [[ $load =~ ^[0-9.]+$ ]] && echo load
grep -c '^processor' /proc/cpuinfo | awk '{ print ($1 >= 1) }'; grep -q MemTotal /proc/meminfo && echo memory
ulimit -n 20 && ulimit -n; ulimit -s >/dev/null && echo stack
tty || true; env | cut -d= -f1 | sort | grep -v -e '^_$' -e SHLVL -e OLDPWD | paste -sd ' '
exec 3> three; echo "to three" >&3; exec 3>&-; cat three
python3 -c 'print(6 * 7)'
