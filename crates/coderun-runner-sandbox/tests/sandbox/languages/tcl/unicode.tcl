puts [gets stdin]
puts "žluťoučký 🐎"
