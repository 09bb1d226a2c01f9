block <- numeric(2^37)
cat(length(block), "\n")
