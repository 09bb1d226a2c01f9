local total = 0
for number = 1, 4 do
  local _, result = coroutine.resume(coroutine.create(function() coroutine.yield(number) end))
  total = total + result
end
print(total)
