import asyncio


async def work(name, seconds):
    await asyncio.sleep(seconds)
    return name


async def serve(reader, writer):
    writer.write((await reader.readline())[::-1])
    await writer.drain()
    writer.close()


async def main():
    print(await asyncio.gather(work("slow", 0.1), work("fast", 0.01)))
    done = []
    for finished in asyncio.as_completed([work("slow", 0.2), work("fast", 0.01)]):
        done.append(await finished)
    print(done)
    try:
        await asyncio.wait_for(work("never", 100), timeout=0.05)
    except asyncio.TimeoutError:
        print("timeout")
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"live\n")
    print(await reader.read())
    server.close()
    child = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    print((await child.communicate())[0])
    print(await asyncio.to_thread(sum, range(10)))


asyncio.run(main())
