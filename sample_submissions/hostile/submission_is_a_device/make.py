"""The zero device, under a new name where one can be created; must be refused at once."""

import os
import stat
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:  # not root: a FIFO is the closest substitute
        os.mkfifo(path)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
