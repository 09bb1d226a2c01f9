program unicode
    implicit none
    character(len=100) :: line
    read (*, '(a)') line
    print '(a)', trim(line)
    print '(a)', 'žluťoučký 🐎'
end program
