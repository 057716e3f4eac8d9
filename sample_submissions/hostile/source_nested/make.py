"""Parentheses nested too deep for a parser; must be reported with the reason."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.py"
    path.write_bytes(b"x = " + b"(" * 10_000 + b")" * 10_000)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.py"
    path.write_text(HONEST)
    return path
