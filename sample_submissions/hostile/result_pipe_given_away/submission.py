"""Leaves a daemon that writes to all its pipes forever; the result must count and the daemon end."""

import os
import time


def unlearning(net, retain, forget, val):
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(tell, b"x")
        while True:
            try:
                os.write(1, b"from the daemon\n")
                time.sleep(0.01)
                if os.getppid() != 1:
                    continue
                os.write(2, b"still there\n")
            except OSError:
                time.sleep(0.01)
    os.read(ready, 1)
