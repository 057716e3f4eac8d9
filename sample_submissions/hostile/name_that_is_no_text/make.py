"""A folder with file names that are not text; must be refused, and displayed in sanitized form."""

import os
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / os.fsdecode(b"\xff\xfe\x1b[2J")).touch()
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "schön.txt").touch()
    return folder
