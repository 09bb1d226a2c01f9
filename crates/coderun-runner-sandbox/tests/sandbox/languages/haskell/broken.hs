main :: IO ()
main = do
    putStrLn 42
