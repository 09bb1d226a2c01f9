program pay;
var total: integer;
begin
  total := 3 + 4
  writeln(total);
end.
