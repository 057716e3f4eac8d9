"""Leaves no memory for cached pages, then needs all of them: its limit must end it, and no standstill be seen.

The supervisor's own code is in such pages. If it waited for them for seconds, while nothing in the container
used the processor, the run would look as if the machine had stood still, and would be repeated for ever.
"""

import os
import time

STEP = 4 << 20


def read_all():
    while True:
        for folder, _folders, names in os.walk("/opt/venv"):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb", buffering=0) as file:
                        while file.read(1 << 20):
                            pass
                except OSError:
                    pass


def unlearning(net, retain, forget, val):
    for _ in range(4):
        if os.fork() == 0:
            read_all()
    held = []
    while True:
        held.append(bytearray(b"x") * STEP)
        time.sleep(0.002 if len(held) < 280 else 0.2)
