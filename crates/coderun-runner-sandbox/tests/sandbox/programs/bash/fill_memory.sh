echo before
text=x
while :; do text+=$text; done
