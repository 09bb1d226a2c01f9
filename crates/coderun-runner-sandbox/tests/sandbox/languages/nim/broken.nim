echo "before"
let x = =
