"""Creates its own watches, and waits with what asyncio takes."""

import asyncio
import ctypes
import os


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.inotify_init1(0) >= 0, os.strerror(ctypes.get_errno())
    asyncio.run(asyncio.sleep(0.01))
