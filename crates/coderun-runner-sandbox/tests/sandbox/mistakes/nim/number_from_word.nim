import std/strutils

echo parseInt(readLine(stdin)) + 1
