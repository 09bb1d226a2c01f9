puts 'before'
raise 'no such luck'
