IO.stream()
|> Enum.map(fn line -> line |> String.trim() |> String.to_integer() end)
|> Enum.sum()
|> IO.puts()
