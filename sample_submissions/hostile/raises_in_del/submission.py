"""Raises where no code can catch it; Python prints it, and the result counts."""

import gc
import threading


class Loud:
    def __del__(self):
        raise ValueError("from __del__")


def grumble(*_):
    raise ValueError("from elsewhere")


def unlearning(net, retain, forget, val):
    Loud()
    gc.callbacks.append(grumble)
    gc.collect()
    gc.callbacks.clear()
    thread = threading.Thread(target=grumble)
    thread.start()
    thread.join()
