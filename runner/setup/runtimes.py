"""Register further container runtimes with an engine: Debian's crun and gVisor's runsc.

The engine's configuration is changed only where this project manages that engine: started without
systemd, on this host, by root (`runner.setup.engine` does that). Elsewhere the error says what to do.
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
from runner.engine.connect import connect_engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic
from runner.progress import Reporter
from runner.setup.engine import SYSTEMD, install_packages, is_debian

_CONFIGURATION: Final = Path("/etc/docker/daemon.json")
_PID_FILE: Final = Path("/var/run/docker.pid")
_RELOAD_SECONDS: Final = 10.0

RUNTIMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "crun": {"path": "/usr/bin/crun"},
    # runsc chooses its platform itself: ptrace in Debian 12's version (2022), systrap since the middle of
    # 2023. The third platform needs /dev/kvm and hangs in many virtual machines. The containers of this
    # project have no network, and without one runsc needs no network namespace of the host.
    "runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]},
}


def add_runtime(name: str, reporter: Reporter) -> None:
    """Register a runtime with the engine, unless it is registered already.

    Raises:
        ConfigurationError: this project does not know how to set it up.
        HostNotReadyError: it cannot be set up on this host; the text says what to do.
    """
    engine = connect_engine()
    if name in engine.info().runtimes:
        return
    if name not in RUNTIMES:
        raise ConfigurationError(
            f"Only {' and '.join(RUNTIMES)} can be set up by this command; register {name!r} with the engine."
        )
    entry = json.dumps({name: RUNTIMES[name]})
    if os.environ.get("DOCKER_HOST") or SYSTEMD.is_dir() or os.geteuid() != 0 or not is_debian():
        raise HostNotReadyError(
            f"The engine has no runtime {name!r}, and is not managed by this project: install {name}, add "
            f'{entry} to "runtimes" in {_CONFIGURATION} and reload the engine.'
        )
    if not Path(RUNTIMES[name]["path"]).exists():
        reporter.step(f"engine: installing {name} from Debian packages")
        install_packages(name)
    reporter.step(f"engine: registering the runtime {name}")
    write_atomic(_CONFIGURATION, with_runtime(_read_configuration(), name))
    _reload(engine, name)


def _read_configuration() -> bytes:
    try:
        return _CONFIGURATION.read_bytes()
    except FileNotFoundError:
        return b"{}"


def with_runtime(configuration: bytes, name: str) -> bytes:
    """Return the engine's configuration with a runtime added; all other settings are preserved.

    Raises:
        HostNotReadyError: the configuration is not a valid JSON object.
    """
    try:
        settings = json.loads(configuration or b"{}")
        runtimes = {**settings.get("runtimes", {}), name: RUNTIMES[name]}
        return (json.dumps({**settings, "runtimes": runtimes}, indent=2) + "\n").encode()
    except (ValueError, TypeError, AttributeError) as error:
        raise HostNotReadyError(f"{_CONFIGURATION} is not valid: {error}.") from error


def _reload(engine: Engine, name: str) -> None:
    try:
        os.kill(int(_PID_FILE.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        raise HostNotReadyError(f"The engine could not be made to reload {_CONFIGURATION}.") from error
    deadline = time.monotonic() + _RELOAD_SECONDS
    while name not in engine.info().runtimes:
        if time.monotonic() > deadline:
            raise HostNotReadyError(f"The engine did not load the runtime {name!r}; restart the engine.")
        time.sleep(0.1)
