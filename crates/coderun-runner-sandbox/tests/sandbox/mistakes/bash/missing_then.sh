count=5
if [ "$count" -gt 3 ]
    echo large
fi
