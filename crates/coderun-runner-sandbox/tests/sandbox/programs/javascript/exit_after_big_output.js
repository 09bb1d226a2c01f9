process.stdout.write("y".repeat(600_000) + "\n");
process.exit(0);
