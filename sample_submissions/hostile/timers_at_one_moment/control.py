"""Uses timers as programs do: by signal, of the process and of the kernel, and with asyncio."""

import asyncio
import ctypes
import signal
import time


def unlearning(net, retain, forget, val):
    received = []
    signal.signal(signal.SIGALRM, lambda number, _frame: received.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.1)
    assert received == [signal.SIGALRM]
    libc = ctypes.CDLL(None)
    timers = [ctypes.c_void_p() for _ in range(100)]
    for timer in timers:
        assert libc.timer_create(1, None, ctypes.byref(timer)) == 0
    for timer in timers:
        assert libc.timer_delete(timer) == 0
    asyncio.run(asyncio.sleep(0.01))
