n <- as.integer(readLines("stdin", n = 1))
if (n > 1) print(n)
