"""Looks for space and files in use that are none of its own."""

import os


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    disk = os.statvfs("/dev/shm")
    blocks, files = disk.f_blocks - disk.f_bfree, disk.f_files - disk.f_ffree
    if blocks > 1000 or files > 10:
        raise Escaped(f"{blocks} blocks and {files} files of an earlier run in /dev/shm")
