"""Does the same with a file of a gigabyte, of which it fills a megabyte."""

import mmap
import os


def unlearning(net, retain, forget, val):
    fd = os.open("own", os.O_CREAT | os.O_RDWR)
    os.truncate(fd, 1 << 30)
    window = mmap.mmap(fd, 1 << 30)
    for at in range(0, 1 << 20, 4096):
        window[at] = 1
