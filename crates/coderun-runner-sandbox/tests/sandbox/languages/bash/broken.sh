echo before
if true; fi
