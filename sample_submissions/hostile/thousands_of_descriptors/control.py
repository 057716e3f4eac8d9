"""Opens a thousand files and closes them."""

import os


def unlearning(net, retain, forget, val):
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1000)]
    for number in opened:
        os.close(number)
