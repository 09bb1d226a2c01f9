name = String.trim(IO.gets("name? "))
IO.puts("hello, " <> name)
