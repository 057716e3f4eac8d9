"""Has a child print, and waits for it."""

import subprocess


def unlearning(net, retain, forget, val):
    subprocess.run(["/bin/echo", "from a child"], check=True)
