puts gets
puts 'žluťoučký 🐎'
