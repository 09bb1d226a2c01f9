import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys


def square(n):
    return n * n


def fill(queue, array):
    for i in range(len(array)):
        array[i] = i * i
    queue.put(os.getpid() != os.getppid())


if __name__ == "__main__":
    done = subprocess.run(["tr", "a-z", "A-Z"], input="hello", capture_output=True, text=True)
    print(done.stdout, done.returncode)
    print(subprocess.check_output("echo $((6 * 7)) | rev", shell=True, text=True).strip())
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))"], stdin=subprocess.PIPE)
    child.communicate(b"four")
    print(child.returncode)
    sleeper = subprocess.Popen(["sleep", "100"])
    sleeper.terminate()
    print(sleeper.wait() == -signal.SIGTERM)
    try:
        subprocess.run(["sleep", "100"], timeout=0.1)
    except subprocess.TimeoutExpired:
        print("timeout")
    print(os.system("exit 3") >> 8)
    with multiprocessing.Pool(4) as pool:
        print(pool.map(square, range(10)))
    queue, array = multiprocessing.Queue(), multiprocessing.Array("i", 5)
    process = multiprocessing.Process(target=fill, args=(queue, array))
    process.start()
    print(queue.get(), array[:])
    process.join()
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        print(sum(pool.map(square, range(100))))
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, b"from the child")
        os._exit(7)
    print(os.read(read, 100), os.waitstatus_to_exitcode(os.wait()[1]))
