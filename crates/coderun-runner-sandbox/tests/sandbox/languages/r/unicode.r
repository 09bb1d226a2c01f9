input <- file("stdin")
cat(readLines(input, n = 1), "\n", sep = "")
cat("žluťoučký 🐎\n")
