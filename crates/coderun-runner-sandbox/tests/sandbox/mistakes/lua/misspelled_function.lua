prin("hello")
