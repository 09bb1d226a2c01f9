program hungry
    implicit none
    type block
        integer, allocatable :: content(:)
    end type
    type(block), allocatable :: kept(:)
    integer :: i
    allocate (kept(100000))
    do i = 1, size(kept)
        allocate (kept(i)%content(250000), source=i)
    end do
    print *, kept(size(kept))%content(1)
end program
