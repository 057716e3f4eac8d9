"""Writes a module into its own folder and imports it."""

import sys
from pathlib import Path


def unlearning(net, retain, forget, val):
    Path("own_module.py").write_text("ANSWER = 42\n")
    sys.path.insert(0, "")
    import own_module

    assert own_module.ANSWER == 42
