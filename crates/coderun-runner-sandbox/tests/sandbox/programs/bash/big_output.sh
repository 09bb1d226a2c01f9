seq 1 100000
yes | head -c 100000
