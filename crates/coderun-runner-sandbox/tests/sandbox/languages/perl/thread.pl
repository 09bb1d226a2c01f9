use threads;

my @threads = map { my $number = $_; threads->create(sub { return $number }) } 1 .. 4;
my $total = 0;
$total += $_->join for @threads;
print "$total\n";
