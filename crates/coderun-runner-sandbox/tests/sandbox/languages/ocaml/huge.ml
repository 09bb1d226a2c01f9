let () = print_int (Bytes.length (Bytes.make (1 lsl 40) 'x'))
