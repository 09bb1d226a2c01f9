{$mode objfpc}
program Failure;
uses
    SysUtils;
begin
    WriteLn('before');
    raise Exception.Create('no such luck');
end.
