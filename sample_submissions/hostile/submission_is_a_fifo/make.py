"""A FIFO without a writer; must be refused at once."""

import os
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    os.mkfifo(path)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
