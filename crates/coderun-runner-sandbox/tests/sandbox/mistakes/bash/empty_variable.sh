count=
if true; then
    [ $count -eq 0 ]
fi
