1..4
|> Enum.map(fn number -> Task.async(fn -> number end) end)
|> Task.await_many()
|> Enum.sum()
|> IO.puts()
