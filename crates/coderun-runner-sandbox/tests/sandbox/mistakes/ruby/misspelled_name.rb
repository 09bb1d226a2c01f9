total = 3 + 4
puts totl
