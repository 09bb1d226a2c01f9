my $size = 1 << 40;
my $block = 'x' x $size;
print length($block), "\n";
