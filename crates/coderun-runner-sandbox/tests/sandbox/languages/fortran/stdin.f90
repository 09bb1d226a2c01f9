program sum_of_lines
    implicit none
    integer :: total = 0, number, status
    do
        read (*, *, iostat=status) number
        if (status /= 0) exit
        total = total + number
    end do
    print '(i0)', total
end program
