"""A sparse file of 10 GB, which uses no disk; must be refused for its size."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
