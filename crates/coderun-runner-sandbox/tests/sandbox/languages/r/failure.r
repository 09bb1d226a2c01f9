cat("before\n")
stop("no such luck")
