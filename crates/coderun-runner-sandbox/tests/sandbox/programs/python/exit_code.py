import atexit
import sys

atexit.register(print, "goodbye")
sys.exit("fatal: nothing to do")
