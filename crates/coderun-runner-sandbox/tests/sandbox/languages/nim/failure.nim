echo "before"
raise newException(ValueError, "no such luck")
