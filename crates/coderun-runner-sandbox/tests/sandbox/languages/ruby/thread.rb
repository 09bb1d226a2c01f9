results = [1, 2, 3, 4].map { |number| Thread.new { number } }
puts results.sum(&:value)
