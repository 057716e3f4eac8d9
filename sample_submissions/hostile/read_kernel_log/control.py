"""Writes a log of its own and reads it."""

from pathlib import Path


def unlearning(net, retain, forget, val):
    Path("own.log").write_text("one line\n")
    assert Path("own.log").read_text() == "one line\n"
