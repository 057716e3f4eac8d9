"""Writes to files that later runs would read: sandbox, torch, sitecustomize, /etc; must be refused."""

import os
import sys
import sysconfig

import torch

import sandbox.worker.child


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    packages = sysconfig.get_path("purelib")
    for path in (
        *(sandbox.worker.child.__file__, torch.__file__, sys.executable, "/etc/passwd", "/etc/ld.so.preload"),
        *(
            f"{packages}/sitecustomize.py",
            f"{packages}/unlearn-hostile.pth",
            f"{os.path.dirname(sandbox.worker.child.__file__)}/unlearn-hostile.py",
        ),
        *(
            "/usr/local/bin/unlearn-hostile",
            "/root/unlearn-hostile",
            "/var/tmp/unlearn-hostile",
            "/run/unlearn-hostile",
            "/unlearn-hostile",
            "/kaggle/unlearn-hostile",
            "/scratch/unlearn-hostile",
        ),
        *("/dev/unlearn-hostile", "/opt/unlearn-hostile", "/home/unlearn-hostile", "/mnt/unlearn-hostile"),
    ):
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755))
        except OSError:
            continue
        raise Escaped(f"{path} can be written")
