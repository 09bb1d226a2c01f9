package main

import "bytes"

func main() {
	kept := [][]byte{}
	for {
		kept = append(kept, bytes.Repeat([]byte("x"), 1000000))
	}
}
