IO.puts("before")
raise ArgumentError, "no such luck"
