"""Looks for changes of its folder as programs do without notices, by its list of files."""

import fcntl
import os


def unlearning(net, retain, forget, val):
    before = set(os.listdir("."))
    with open("new", "w") as file:
        assert fcntl.fcntl(file, fcntl.F_GETFL) & os.O_WRONLY
    assert set(os.listdir(".")) - before == {"new"}
