"""A symbolic link to another file of the host; must be refused."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    path.symlink_to("/etc/passwd")
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
