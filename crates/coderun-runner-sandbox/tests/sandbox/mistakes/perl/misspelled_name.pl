use strict;
my $total = 3 + 4;
print $totl;
