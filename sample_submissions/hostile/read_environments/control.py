"""Reads the environment of its own child."""

import os
import subprocess


def unlearning(net, retain, forget, val):
    seen = subprocess.run(["/usr/bin/env"], env={"OWN": "mine"}, capture_output=True, check=True)
    assert seen.stdout == b"OWN=mine\n"
    assert os.environ["HOME"] == os.getcwd()
