"""Runs programs of the image, and a script of its own, under its own identity."""

import os
import subprocess
import sys
from pathlib import Path


def unlearning(net, retain, forget, val):
    Path("own.py").write_text("import os\nprint(os.getuid())\n")
    for command in (["/usr/bin/id", "-u"], [sys.executable, "own.py"]):
        assert int(subprocess.run(command, capture_output=True, check=True).stdout) == os.getuid()
