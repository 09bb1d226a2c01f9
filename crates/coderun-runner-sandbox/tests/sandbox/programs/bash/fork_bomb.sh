echo before
bomb() { bomb | bomb & }
bomb
sleep 100
