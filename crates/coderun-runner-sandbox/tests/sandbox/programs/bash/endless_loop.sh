trap '' TERM INT HUP
echo started
while :; do :; done
