puts before
error {no such luck}
