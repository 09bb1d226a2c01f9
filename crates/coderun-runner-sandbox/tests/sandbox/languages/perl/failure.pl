print "before\n";
die 'no such luck';
