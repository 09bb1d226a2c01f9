program broken
    implicit none
    print *, missing
end program
