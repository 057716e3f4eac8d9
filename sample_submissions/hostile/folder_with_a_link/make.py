"""A folder with a symbolic link to a file; must be refused."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "data.bin").symlink_to("/etc/shadow")
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "data.bin").write_bytes(bytes(100))
    return folder
