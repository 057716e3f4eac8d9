"""Returns at once and leaves threads that keep writing files; they must end with the result."""

import itertools
import threading
import time


def write():
    for turn in itertools.count():
        with open(f"/tmp/unlearn-hostile-{threading.get_ident()}-{turn % 8}", "w") as file:
            file.write("still here")


def unlearning(net, retain, forget, val):
    for _ in range(4):
        threading.Thread(target=write).start()
    threading.Thread(target=time.sleep, args=(1_000_000,)).start()
