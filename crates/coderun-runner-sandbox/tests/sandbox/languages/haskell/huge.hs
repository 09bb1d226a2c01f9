import Foreign.Marshal.Alloc
import Foreign.Ptr

main :: IO ()
main = do
    block <- mallocBytes (2 ^ (40 :: Int)) :: IO (Ptr ())
    print block
