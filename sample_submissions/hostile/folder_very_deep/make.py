"""A tree deeper than a path can name; must be refused with one sentence."""

import os
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    back = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(60):
            os.mkdir("x" * 100)
            os.chdir("x" * 100)
        Path("end").touch()
    finally:
        os.chdir(back)
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "x" / "x" / "x").mkdir(parents=True)
    return folder
