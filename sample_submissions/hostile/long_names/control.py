"""Creates a file with spaces and umlauts in its name."""

from pathlib import Path


def unlearning(net, retain, forget, val):
    Path("ein schöner Name").touch()
