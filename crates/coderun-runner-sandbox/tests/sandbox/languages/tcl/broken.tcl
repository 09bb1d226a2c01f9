puts before
set x [expr {1 +}]
