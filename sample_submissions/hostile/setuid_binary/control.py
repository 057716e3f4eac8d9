"""Runs a program of its own."""

import os
import shutil
import subprocess


def unlearning(net, retain, forget, val):
    shutil.copy("/usr/bin/id", "own-id")
    assert int(subprocess.run(["./own-id", "-u"], capture_output=True, check=True).stdout) == os.getuid()
