main :: IO ()
main = prnt 1
