program Sum;
var
    Total, Number: Integer;
begin
    Total := 0;
    while not SeekEof do
    begin
        ReadLn(Number);
        Total := Total + Number;
    end;
    WriteLn(Total);
end.
