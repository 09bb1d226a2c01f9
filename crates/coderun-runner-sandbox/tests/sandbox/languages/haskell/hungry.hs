import qualified Data.IORef as R

main :: IO ()
main = grow []
  where
    grow kept = do
        let more = [1 .. 10000] :: [Int]
        r <- R.newIORef $! sum more
        n <- R.readIORef r
        if n < 0 then print (length (kept ++ more)) else grow (more ++ kept)
