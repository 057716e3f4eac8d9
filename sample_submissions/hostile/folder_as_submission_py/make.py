"""A folder in place of the file; must be refused."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").mkdir()
    (folder / "submission.py" / "x.py").write_text(HONEST)
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    return folder
