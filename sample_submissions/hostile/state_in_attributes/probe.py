"""Searches its folders for notes of an earlier run."""

import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    for folder in (os.path.dirname(os.getcwd()), "/tmp", "/dev/shm", "/dev/mqueue", "/scratch", "/"):
        if not os.path.exists(folder):
            continue
        if int(os.stat(folder).st_mtime) == 12_345:
            raise Escaped(f"the time of {folder}")
        try:
            found = [name for name in os.listxattr(folder) if "unlearn-hostile" in name]
        except OSError:
            continue
        if found:
            raise Escaped(f"{found} on {folder}")
