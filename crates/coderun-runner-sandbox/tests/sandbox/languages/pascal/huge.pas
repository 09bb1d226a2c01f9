program Huge;
var
    Block: Pointer;
begin
    GetMem(Block, Int64(1) shl 40);
    WriteLn(PtrUInt(Block) <> 0);
end.
