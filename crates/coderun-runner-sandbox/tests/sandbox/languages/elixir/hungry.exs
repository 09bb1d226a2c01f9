defmodule Hungry do
  def loop(kept), do: loop([:binary.copy("x", 1_000_000) | kept])
end

Hungry.loop([])
