"""Waits with poll and select, with asyncio and for processes."""

import asyncio
import concurrent.futures
import fcntl
import os
import select
import selectors
import subprocess


async def add(number):
    await asyncio.sleep(0.01)
    return number + 1


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_NONBLOCK)
    os.write(write, b"x")
    assert select.select([read], [], [], 1.0)[0] == [read]
    with selectors.DefaultSelector() as selector:
        selector.register(read, selectors.EVENT_READ)
        assert len(selector.select(1.0)) == 1
    assert asyncio.run(add(1)) == 2
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
    assert subprocess.run(["/bin/echo", "x"], capture_output=True, check=True).stdout == b"x\n"
