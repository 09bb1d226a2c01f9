threads = (1..1000).map { Thread.new { sleep } }
puts threads.size
