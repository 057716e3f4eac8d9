"""Ends a thread by `sys.exit(0)`."""

import sys
import threading


def unlearning(net, retain, forget, val):
    thread = threading.Thread(target=sys.exit, args=(0,))
    thread.start()
    thread.join()
