program failure
    implicit none
    print '(a)', 'before'
    error stop 'no such luck'
end program
