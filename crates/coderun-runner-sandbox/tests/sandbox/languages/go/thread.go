package main

import "fmt"

func main() {
	results := make(chan int)
	for number := 1; number <= 4; number++ {
		go func(number int) { results <- number }(number)
	}
	fmt.Println(<-results + <-results + <-results + <-results)
}
