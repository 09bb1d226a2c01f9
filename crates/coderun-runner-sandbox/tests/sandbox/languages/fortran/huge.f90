program huge_block
    implicit none
    integer, allocatable :: block(:, :)
    integer :: rows
    rows = 524288
    allocate (block(rows, rows))
    block = 1
    print *, sum(block)
end program
