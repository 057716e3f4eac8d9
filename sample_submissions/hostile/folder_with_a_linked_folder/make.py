"""A folder with a symbolic link to the root folder; must be refused."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "data").symlink_to("/")
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "data").mkdir()
    return folder
