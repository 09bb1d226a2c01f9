puts 'before'
x = = 1
