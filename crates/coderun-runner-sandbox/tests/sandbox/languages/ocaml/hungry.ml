let () =
  let kept = ref [] in
  while true do
    kept := Bytes.make 1_000_000 'x' :: !kept
  done
