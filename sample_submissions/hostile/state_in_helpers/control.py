"""Looks at the files of a child, as programs do that show what is running."""

import os


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read, 1)
        os._exit(0)
    for name in ("stat", "status", "cmdline", "comm"):
        assert os.lstat(f"/proc/{child}/{name}").st_mtime > 0
    os.write(write, b"x")
    os.waitpid(child, 0)
