"""Registers functions to sleep, print and forge a result at exit; none may take effect after the result."""

import atexit
import os
import threading
import time
import weakref


def late(*_):
    print("at exit", flush=True)
    os.write(3, b"\xff" * 1000)
    time.sleep(60)


def unlearning(net, retain, forget, val):
    atexit.register(late)
    weakref.finalize(net, late)
    threading._register_atexit(late)
    threading.Thread(target=time.sleep, args=(60,)).start()
