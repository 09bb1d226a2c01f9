putss hello
