let () =
  let threads = List.init 1000 (fun _ -> Thread.create Thread.delay 60.0) in
  List.iter Thread.join threads
