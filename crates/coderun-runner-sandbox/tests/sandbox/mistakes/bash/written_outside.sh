echo hello > /usr/notes.txt
