use utf8;
use open qw(:std :encoding(UTF-8));
my $line = <STDIN>;
print $line;
print "žluťoučký 🐎\n";
