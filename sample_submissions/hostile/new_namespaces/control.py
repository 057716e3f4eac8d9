"""Unshares its table of open files, its own resource, in a thread."""

import os
import threading


def unlearning(net, retain, forget, val):
    thread = threading.Thread(target=os.getpid)
    thread.start()
    thread.join()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
