"""Creates a file from a thread that outlives the first one of its process, and finds it."""

import ctypes
import os
import threading
import time

EXIT = 60


def unlearning(net, retain, forget, val):
    if os.fork() == 0:
        threading.Thread(target=make).start()
        ctypes.CDLL(None).syscall(EXIT, 0)
    os.wait()
    assert os.path.exists("made")


def make():
    time.sleep(0.2)
    with open("made", "w"):
        os._exit(0)
