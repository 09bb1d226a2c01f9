ehco hello
