cat("before\n")
x <- )
