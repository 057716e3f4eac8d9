"""Makes further container runtimes known to an engine: Debian's crun and gVisor's runsc.

Changes the engine's configuration only where that engine is one of ours to change: started
without systemd, on this host, by root (`runner.setup.engine` does that). Elsewhere one sentence says
what to do.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runner.engine.api import Engine
from runner.engine.client import connect_engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic
from runner.progress import Reporter
from runner.setup.engine import SYSTEMD, install_packages, is_debian

_CONFIGURATION: Final = Path("/etc/docker/daemon.json")
_PID_FILE: Final = Path("/var/run/docker.pid")
_RELOAD_SECONDS: Final = 10.0

RUNTIMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "crun": {"path": "/usr/bin/crun"},
    # Its platform is its own choice: ptrace in Debian 12's (2022), systrap since the middle of 2023. The
    # third one wants /dev/kvm and hangs in many virtual machines. No container of ours has a network,
    # and without one runsc needs no network namespace of the host's.
    "runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]},
}


def add_runtime(name: str, reporter: Reporter) -> None:
    """Have the engine know a runtime.

    Raises:
        ConfigurationError: it is not one that this project knows how to set up.
        HostNotReadyError: it cannot be set up from here; the text says what to do.
    """
    engine = connect_engine()
    if name in (engine.info().runtimes):
        return
    if name not in RUNTIMES:
        raise ConfigurationError(
            f"Only {' and '.join(RUNTIMES)} can be set up from here, not {name!r}; register it with the engine."
        )
    entry = json.dumps({name: RUNTIMES[name]})
    if os.environ.get("DOCKER_HOST") or SYSTEMD.is_dir() or os.geteuid() != 0 or not is_debian():
        raise HostNotReadyError(
            f"The engine has no runtime {name!r}, and it is not ours to change: install {name}, add "
            f'{entry} to "runtimes" in {_CONFIGURATION} and reload the engine.'
        )
    if not Path(RUNTIMES[name]["path"]).exists():
        reporter.step(f"engine: installing {name} from Debian packages")
        install_packages(name)
    reporter.step(f"engine: registering the runtime {name}")
    write_atomic(_CONFIGURATION, with_runtime(_read(), name))
    _reload(engine, name)


def _read() -> bytes:
    try:
        return _CONFIGURATION.read_bytes()
    except FileNotFoundError:
        return b"{}"


def with_runtime(configuration: bytes, name: str) -> bytes:
    """Return the engine's configuration with a runtime added; what else it says is kept.

    Raises:
        HostNotReadyError: it is not the JSON object that it should be.
    """
    try:
        found = json.loads(configuration or b"{}")
        runtimes = {**found.get("runtimes", {}), name: RUNTIMES[name]}
        return (json.dumps({**found, "runtimes": runtimes}, indent=2) + "\n").encode()
    except (ValueError, TypeError, AttributeError) as error:
        raise HostNotReadyError(f"{_CONFIGURATION} is not as it should be: {error}.") from error


def _reload(engine: Engine, name: str) -> None:
    try:
        os.kill(int(_PID_FILE.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        raise HostNotReadyError(f"The engine could not be told to read {_CONFIGURATION} again.") from error
    deadline = time.monotonic() + _RELOAD_SECONDS
    while name not in (engine.info().runtimes):
        if time.monotonic() > deadline:
            raise HostNotReadyError(f"The engine does not take the runtime {name!r}; restart it.")
        time.sleep(0.1)
