"""Starts a thread, for which there is room."""

import threading


def unlearning(net, retain, forget, val):
    thread = threading.Thread(target=len, args=("",))
    thread.start()
    thread.join()
