let total = ref 0
let mutex = Mutex.create ()

let add number =
  Mutex.lock mutex;
  total := !total + number;
  Mutex.unlock mutex

let () =
  List.iter Thread.join (List.map (Thread.create add) [1; 2; 3; 4]);
  Printf.printf "%d\n" !total
