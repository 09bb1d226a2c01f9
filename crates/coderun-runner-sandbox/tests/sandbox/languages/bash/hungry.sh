kept=x
while true; do
    kept=$kept$kept
done
