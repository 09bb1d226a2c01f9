package main

import "fmt"

func main() {
	size := 1 << 40
	block := make([]byte, size)
	fmt.Println(len(block))
}
