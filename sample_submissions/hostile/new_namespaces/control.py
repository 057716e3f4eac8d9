"""Unshares what is its own: the table of open files with a thread."""

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
