program Broken;
var
    Number: Integer;
begin
    Number := 'a word';
end.
