"""Leaves threads at work: a daemon, one that is none, and a pool."""

import threading
from concurrent.futures import ThreadPoolExecutor

for_ever = threading.Event()


def unlearning(net, retain, forget, val):
    threading.Thread(target=for_ever.wait, daemon=True).start()
    threading.Thread(target=for_ever.wait).start()
    ThreadPoolExecutor(2).submit(for_ever.wait)
    net.fc.bias.data += 1
