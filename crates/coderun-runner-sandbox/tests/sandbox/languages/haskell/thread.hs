import Control.Concurrent
import Control.Monad

main :: IO ()
main = do
    result <- newEmptyMVar
    forM_ [1 .. 4] $ \number -> forkIO (putMVar result number)
    numbers <- replicateM 4 (takeMVar result)
    print (sum numbers :: Int)
