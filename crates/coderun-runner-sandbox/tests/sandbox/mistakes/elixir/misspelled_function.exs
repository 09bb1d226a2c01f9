IO.putss("hello")
