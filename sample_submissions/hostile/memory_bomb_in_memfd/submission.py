"""Writes without end into files that exist in memory only; must be refused, or ended for its memory."""

import errno
import os


def unlearning(net, retain, forget, val):
    kept = []
    while True:
        try:
            kept.append(os.memfd_create("unlearn-hostile"))
        except OSError as error:
            if error.errno == errno.ENOSYS:
                return
            raise
        os.write(kept[-1], b"x" * (16 << 20))
