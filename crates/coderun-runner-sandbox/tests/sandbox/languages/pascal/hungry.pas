program Hungry;
var
    Kept: Pointer;
begin
    while True do
    begin
        GetMem(Kept, 1000000);
        FillChar(Kept^, 1000000, 'x');
    end;
end.
