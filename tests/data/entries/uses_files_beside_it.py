"""Imports a module of its own and opens a file that lies beside it."""

from pathlib import Path

import callable_object


def unlearning(net, retain, forget, val):
    beside = Path(__file__).parent / "callable_object.py"
    assert "class Unlearner" in beside.read_text()
    callable_object.unlearning(net, retain, forget, val)
