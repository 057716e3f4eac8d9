"""Leaves nested folders without any permission, and files of all kinds.

All must be removed.
"""

import ctypes
import os
import socket
import subprocess

NAMES = ("plain", "with\nline", "-rf", "--", " ", "*", "\u202egnp", "\udcff\udcfe")


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", os.environ["HOME"]):
        for name in NAMES:
            own = f"{folder}/{name}-unlearn-hostile"
            os.makedirs(f"{own}/inside/further")
            open(f"{own}/inside/further/file", "w").close()
            os.symlink("/proc/1/root", f"{own}/link")
            os.mkfifo(f"{own}/fifo")
            bound = socket.socket(socket.AF_UNIX)
            bound.bind(f"{own}/socket")
            for mode, inner in ((0, "inside/further"), (0o200, "inside"), (0, ".")):
                os.chmod(f"{own}/{inner}", mode)
        open(f"{folder}/.unlearn-hostile", "w").close()
        subprocess.run(["chattr", "+ia", f"{folder}/.unlearn-hostile"], check=False, capture_output=True)
    ctypes.CDLL(None).umask(0)
