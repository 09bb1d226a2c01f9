program Threads;
uses
    cthreads;
var
    Total: LongInt = 0;
    Ids: array[1..4] of TThreadID;
    I: Integer;

function Add(Number: Pointer): PtrInt;
begin
    InterlockedExchangeAdd(Total, PtrInt(Number));
    Add := 0;
end;

begin
    for I := 1 to 4 do
        Ids[I] := BeginThread(@Add, Pointer(PtrInt(I)));
    for I := 1 to 4 do
        WaitForThreadTerminate(Ids[I], 0);
    WriteLn(Total);
end.
