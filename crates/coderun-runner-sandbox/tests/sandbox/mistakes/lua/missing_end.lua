if 3 > 2 then
  print("yes")
