"""Refuse to serve as a user who could do more than the service needs: root, or who reaches an engine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from runner.errors import ConfigurationError

_SECONDS = 1.0


def engine_sockets(environment: Mapping[str, str], user: int) -> Iterator[Path]:
    """Yield where container engines listen, for a user.

    Args:
        environment: Of the process.
        user: Its number.
    """
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{user}"
    for name in ("DOCKER_HOST", "CONTAINER_HOST"):
        if (address := environment.get(name, "")).startswith("unix://"):
            yield Path(address.removeprefix("unix://"))
    yield from map(Path, ("/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"))
    yield from map(Path, ("/run/containerd/containerd.sock", "/run/crio/crio.sock"))
    yield from (Path(runtime) / "docker.sock", Path(runtime) / "podman" / "podman.sock")


def reachable(sockets: Iterable[Path]) -> Path | None:
    """Return the first socket that this process can connect to; None if there is none."""
    for path in sockets:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_SECONDS)
            try:
                client.connect(str(path))
            except OSError:
                continue
            return path
    return None


def require_ordinary_user(sockets: Iterable[Path] | None = None, *, user: int | None = None) -> None:
    """Refuse root, and users who can start containers, which is as much.

    Args:
        sockets: Of engines; by default where they usually listen.
        user: Its number; by default that of this process.

    Raises:
        ConfigurationError: the user can do too much.
    """
    user = os.geteuid() if user is None else user
    remedy = "run it as a user of its own (docs/serve.md), or, on a machine of your own, add --unsafe-user"
    if user == 0:
        raise ConfigurationError(f"The web service does not run as root; {remedy}.")
    path = reachable(engine_sockets(os.environ, user) if sockets is None else sockets)
    if path is not None:
        raise ConfigurationError(f"This user can reach the container engine at {path}; {remedy}.")
