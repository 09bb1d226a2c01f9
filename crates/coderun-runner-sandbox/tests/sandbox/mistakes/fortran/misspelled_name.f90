program pay
  implicit none
  integer :: total
  total = 3 + 4
  print *, totl
end program pay
