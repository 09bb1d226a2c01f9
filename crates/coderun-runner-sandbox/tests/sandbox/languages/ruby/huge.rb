block = 'x' * (1 << 40)
puts block.size
