"""A path that cannot be opened; must be refused with one sentence."""

import os
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    if os.geteuid():
        path.write_text(HONEST)
        path.chmod(0)
    else:  # root may open everything but a link to itself
        path.symlink_to(path)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
