set total 0
foreach number {1 2 3 4} {
    coroutine next apply {{number} {
        yield
        yield $number
    }} $number
    incr total [next]
    next
}
puts $total
