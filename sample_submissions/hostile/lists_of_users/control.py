"""Copies a file with all that belongs to it, and changes its mode and times."""

import os
import shutil


def unlearning(net, retain, forget, val):
    with open("own", "wb") as file:
        file.write(b"four")
    os.chmod("own", 0o640)
    os.utime("own", (12_345, 12_345))
    shutil.copy2("own", "copy")
    copy = os.stat("copy")
    assert copy.st_size == 4 and copy.st_mode & 0o777 == 0o640 and int(copy.st_mtime) == 12_345
