total = 3
IO.puts(totl)
