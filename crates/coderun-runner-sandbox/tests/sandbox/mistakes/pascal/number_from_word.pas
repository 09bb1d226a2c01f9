program age;
var years: integer;
begin
  readln(years);
  writeln(years + 1);
end.
