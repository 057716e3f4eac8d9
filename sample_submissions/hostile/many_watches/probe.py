"""Makes its own objects, and waits with what asyncio takes."""

import asyncio
import ctypes
import os


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.eventfd(0, 0) >= 0, os.strerror(ctypes.get_errno())
    timer = ctypes.c_void_p()
    assert libc.timer_create(1, None, ctypes.byref(timer)) == 0, os.strerror(ctypes.get_errno())
    asyncio.run(asyncio.sleep(0.01))
