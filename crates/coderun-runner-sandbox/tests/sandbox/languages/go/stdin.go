package main

import "fmt"

func main() {
	total, number := 0, 0
	for {
		if _, err := fmt.Scan(&number); err != nil {
			break
		}
		total += number
	}
	fmt.Println(total)
}
