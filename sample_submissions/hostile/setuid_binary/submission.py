"""Sets the setuid bit on its own program and runs it as a child with another identity; must gain nothing."""

import os
import shutil
import stat
import subprocess


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for folder in (".", "/tmp", "/dev/shm"):
        path = os.path.join(folder, "own-id")
        shutil.copy("/usr/bin/id", path)
        os.chmod(path, 0o6755)
        try:
            seen = subprocess.run([path, "-u"], capture_output=True, check=True).stdout
        except PermissionError:
            continue  # noexec
        if int(seen) != os.getuid():
            raise Escaped(f"{path} runs as {seen!r}")
    for top in ("/bin", "/sbin", "/usr", "/opt/venv/bin", "/lib"):
        for parent, _folders, files in os.walk(top):
            for name in files:
                try:
                    found = os.lstat(os.path.join(parent, name))
                except OSError:
                    continue
                if stat.S_ISREG(found.st_mode) and found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    raise Escaped(f"{parent}/{name} is setuid")
    try:
        os.chown("/tmp/own-id", 0, 0)
    except PermissionError:
        return
    raise Escaped("a file was given to root")
