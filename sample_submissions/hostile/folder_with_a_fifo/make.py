"""A folder with a FIFO, on which a reader would wait; must be refused at once."""

import os
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    os.mkfifo(folder / "pipe")
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    return folder
