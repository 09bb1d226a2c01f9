program age
  integer :: years
  read *, years
  print *, years + 1
end program age
