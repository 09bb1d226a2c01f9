results <- parallel::mclapply(1:4, identity, mc.cores = 2)
cat(sum(unlist(results)), "\n", sep = "")
