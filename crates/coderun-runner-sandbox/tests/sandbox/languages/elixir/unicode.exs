IO.write(IO.gets(""))
IO.puts("žluťoučký 🐎")
