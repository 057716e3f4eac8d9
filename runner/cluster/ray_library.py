"""Ray, loaded when a cluster is used, and what joining a cluster may fail with."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from runner.errors import ConfigurationError, HostNotReadyError
from runner.sanitize import sanitize_line

NAMESPACE: Final = "unlearn"
"""Of the names of actors."""
_CONNECT_SECONDS: Final = 10.0
INSTALL: Final = "Clusters need Ray, which is not installed here; run: pip install 'unlearn[cluster]'"


def load_ray() -> Any:  # noqa: ANN401 - a library without types
    """Return Ray.

    Raises:
        HostNotReadyError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise HostNotReadyError(INSTALL) from error
    return ray


@contextmanager
def joined_cluster(address: str) -> Iterator[Any]:
    """Join a cluster as the process of a node; yield Ray, and leave the cluster at the end.

    Args:
        address: ``HOST:PORT`` of its head, or ``auto`` for the cluster of this machine.

    Raises:
        ConfigurationError: the address has another form.
        HostNotReadyError: Ray is not installed, no cluster answers, or this machine is no node of it.
    """
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and "/" not in host and port.isascii() and port.isdigit()):
        raise ConfigurationError(
            "--cluster takes HOST:PORT of Ray's head, or auto: the command runs on a node of the cluster."
        )
    ray = load_ray()
    try:
        _require_listener(ray, address)
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        raise HostNotReadyError(
            f"No Ray cluster can be joined at {address}: {_reason(error)}. Is this machine one of its nodes "
            "(ray start), with the same RAY_AUTH_MODE and token?"
        ) from error
    # Ray prints the deaths of processes to stdout, where results are; the pool reports what it makes of them.
    ray._private.worker.print_to_stdstream = _drop
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_listener(ray: Any, address: str) -> None:  # noqa: ANN401 - a library without types
    """Connect to a cluster's head and leave: where nobody listens, Ray would try for many minutes.

    Raises:
        OSError: nobody listens there.
        ValueError: the address that Ray has noted for ``auto`` is none.
        ConnectionError: Ray has noted none.
    """
    if address == "auto":
        address = str(ray._private.services.get_ray_address_from_environment(address, None))
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
        pass


def _drop(*_arguments: object, **_more: object) -> None:
    """Print nothing."""


def _reason(error: Exception) -> str:
    return sanitize_line(
        str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__, 300
    )
