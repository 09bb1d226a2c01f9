puts [string length [string repeat x 2147483000]]
