"""Hides days of work in exit handlers, a finalizer and a non-daemon thread.

The host must not wait for them.
"""

import atexit
import threading
import time
import weakref


class Late:
    def __del__(self):
        time.sleep(1_000_000)


def unlearning(net, retain, forget, val):
    atexit.register(time.sleep, 1_000_000)
    weakref.finalize(net, time.sleep, 1_000_000)
    threading.Thread(target=time.sleep, args=(1_000_000,), daemon=False).start()
    net.late = Late()
