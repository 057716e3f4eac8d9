"""Opens every accelerator's device file; there must be none that was not given."""

import glob
import os


class Escaped(Exception):
    """What must not succeed did."""


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
