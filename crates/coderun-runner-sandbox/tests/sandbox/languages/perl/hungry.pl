my @kept;
my $text = 'x' x 1_000_000;
push @kept, "$text" while 1;
