program Unicode;
var
    Line: AnsiString;
begin
    ReadLn(Line);
    WriteLn(Line);
    WriteLn('žluťoučký 🐎');
end.
