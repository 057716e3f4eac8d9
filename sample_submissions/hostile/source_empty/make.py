"""An empty file; the report must name the missing function."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    path.write_bytes(b"")
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
