"""Starts 24 threads and waits for them."""

import threading
import time


def unlearning(net, retain, forget, val):
    threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
