"""Reads the environment of every process, and its own; must be refused and find nothing of the host."""

import os

EXPECTED = {
    *("PATH", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "LANG", "HOME"),
    *("TMPDIR", "OMP_NUM_THREADS", "HOSTNAME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "LC_CTYPE"),
}
SAME_EVERYWHERE = {
    *(("container", "podman"), ("TERM", "xterm"), ("USER", "run"), ("LOGNAME", "run")),
    *(("MPLBACKEND", "Agg"), ("MPLCONFIGDIR", f"{os.environ.get('HOME')}/.matplotlib")),
}
"""Set by Podman, by the image, or for each run: the same on every host. Any other value counts as the host's."""


class Escaped(Exception):
    """A forbidden action succeeded."""


def others():
    """Return all processes except this one."""
    return [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def unlearning(net, retain, forget, val):
    tried = 0
    for process in others():
        tried += 1
        try:
            with open(f"/proc/{process}/environ", "rb") as file:
                raise Escaped(f"the environment of process {process}: {file.read(100)!r}")
        except OSError:
            pass
    if not tried:
        raise Escaped("no process was there to be tried")
    # Variables that torch and similar libraries set begin with their names.
    # An empty value keeps the engine from setting its own.
    more = {
        name
        for name, value in os.environ.items()
        if value
        and (name, value) not in SAME_EVERYWHERE
        and not name.startswith(("KMP_", "TORCH", "PYTORCH", "NVIDIA_", "CUDA_"))
    }
    if more - EXPECTED:
        raise Escaped(f"variables of the host: {sorted(more - EXPECTED)}")
