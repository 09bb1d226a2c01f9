read -rp "What is your name? " name
read -r age
echo "Hello $name, next year you are $((age + 1))."
select choice in tea coffee; do echo "one $choice"; break; done
mapfile -t rest
echo "${#rest[@]} ${rest[*]}"
read -r more || echo "no more"
