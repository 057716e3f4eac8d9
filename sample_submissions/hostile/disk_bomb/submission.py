"""Fills every folder that it can write; each must be full after 64 MiB, with an error for the code."""

import errno
import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    seen = []
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        written = 0
        with open(f"{folder}/unlearn-hostile-bomb", "wb", buffering=0) as file:
            try:
                while written < 256 << 20:
                    written += file.write(b"x" * (1 << 20))
                raise Escaped(f"wrote {written >> 20} MiB into {folder}")
            except OSError as error:
                seen.append(errno.errorcode[error.errno])
    print(*seen)
