"""Starts threads until it is refused; the limit is 64 processes and threads."""

import threading
import time


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    for number in range(1_000):
        try:
            threading.Thread(target=time.sleep, args=(1_000,), daemon=True).start()
        except RuntimeError:
            print("refused after", number)
            return
    raise Escaped("1000 threads")
