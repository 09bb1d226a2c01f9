let () =
  print_endline "before";
  failwith "no such luck"
