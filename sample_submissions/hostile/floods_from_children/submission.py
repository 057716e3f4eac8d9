"""Has children print forever after it has returned; they must end with it."""

import os
import time


def unlearning(net, retain, forget, val):
    for data in (b"x", b"y" * 4096, b"z" * (1 << 20), b"\n", b"\0" * 65536, b"\r" * 100):
        for stream in (1, 2):
            if os.fork() == 0:
                while True:
                    os.write(stream, data)
    time.sleep(0.5)
