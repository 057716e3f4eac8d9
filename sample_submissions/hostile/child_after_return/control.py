"""Has a child create a file and waits for it."""

import os
from pathlib import Path


def unlearning(net, retain, forget, val):
    if os.fork() == 0:
        Path("/tmp/own").write_text("here")
        os._exit(0)
    os.wait()
    assert Path("/tmp/own").read_text() == "here"
