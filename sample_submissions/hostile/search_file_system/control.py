"""Searches its own folder, and finds its own file."""

import os
from pathlib import Path


def unlearning(net, retain, forget, val):
    Path("deep/er").mkdir(parents=True)
    Path("deep/er/test.npz").write_bytes(b"mine")
    found = [
        os.path.join(parent, name)
        for parent, _, files in os.walk(".")
        for name in files
        if name == "test.npz"
    ]
    assert found == ["./deep/er/test.npz"]
