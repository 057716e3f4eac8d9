"""Creates character and block devices wherever it can write; must be refused."""

import os
import stat


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for kind, major, minor in (
        (stat.S_IFCHR, 1, 1),
        (stat.S_IFBLK, 8, 0),
        (stat.S_IFBLK, 259, 0),
        (stat.S_IFCHR, 10, 237),
    ):
        for folder in (".", "/tmp", "/dev/shm"):
            try:
                os.mknod(f"{folder}/node", kind | 0o666, os.makedev(major, minor))
            except OSError:
                continue
            raise Escaped(f"a device node in {folder}")
    for name in os.listdir("/dev"):
        mode = os.stat(f"/dev/{name}").st_mode if os.path.exists(f"/dev/{name}") else 0
        if stat.S_ISBLK(mode):
            raise Escaped(f"the block device {name}")
