"""Opens every accelerator's device file; only assigned ones may exist."""

import glob
import os


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    if next(net.parameters()).is_cuda:
        return
    for pattern in (
        "/dev/nvidia*",
        "/dev/dri/*",
        "/dev/kfd",
        "/dev/accel/*",
        "/dev/infiniband/*",
        "/dev/kvm",
        "/dev/vfio/*",
    ):
        for path in glob.glob(pattern):
            try:
                os.close(os.open(path, os.O_RDWR))
            except OSError:
                continue
            raise Escaped(path)
