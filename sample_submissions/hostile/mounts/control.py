"""Creates a folder and links into it."""

import os
from pathlib import Path


def unlearning(net, retain, forget, val):
    os.mkdir("place")
    os.symlink("place", "link")
    Path("link/file").write_text("own")
    assert Path("place/file").read_text() == "own"
