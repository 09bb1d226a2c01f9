require("fs").writeFileSync("/usr/notes.txt", "hello");
