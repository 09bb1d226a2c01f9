if 3 > 2
  puts "yes"
