my @numbers = ();
print 10 / @numbers;
