echo "hello, ", readLine(stdin)
