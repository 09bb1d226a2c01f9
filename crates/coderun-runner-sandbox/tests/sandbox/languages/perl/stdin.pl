my $total = 0;
$total += $_ while <STDIN>;
print "$total\n";
