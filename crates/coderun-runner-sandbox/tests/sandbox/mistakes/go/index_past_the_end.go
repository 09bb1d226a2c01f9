package main

import "fmt"

func main() {
	numbers := []int{1, 2, 3}
	for i := 0; i <= len(numbers); i++ {
		fmt.Println(numbers[i])
	}
}
