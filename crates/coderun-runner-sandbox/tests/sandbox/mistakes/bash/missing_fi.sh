count=5
if [ "$count" -gt 3 ]; then
    echo large
