with open("/usr/notes.txt", "w") as notes:
    notes.write("hello")
