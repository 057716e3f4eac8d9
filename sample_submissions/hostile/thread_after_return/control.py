"""Has a thread write a file and waits for it."""

import threading
from pathlib import Path


def unlearning(net, retain, forget, val):
    thread = threading.Thread(target=Path("/tmp/own").write_text, args=("here",))
    thread.start()
    thread.join()
    assert Path("/tmp/own").read_text() == "here"
