main :: IO ()
main = do
    putStrLn "before"
    error "no such luck"
