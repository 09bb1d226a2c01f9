local total = 0
for line in io.lines() do
  total = total + math.tointeger(line)
end
print(total)
