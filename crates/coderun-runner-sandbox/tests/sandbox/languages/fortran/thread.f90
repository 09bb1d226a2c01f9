program process
    implicit none
    call execute_command_line('echo $((1 + 2 + 3 + 4))')
end program
