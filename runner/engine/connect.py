"""Connect to this machine's container engine. Which implementation of `Engine` is used is decided here."""

from __future__ import annotations

from runner.engine.api import Engine
from runner.engine.docker_connection import connect
from runner.engine.docker_engine import Connect, DockerEngine
from runner.errors import HostNotReadyError


def connect_engine(connect: Connect = connect) -> Engine:
    """Return the engine of the current environment.

    Raises:
        HostNotReadyError: none answers, or this user may not use it.
    """
    return DockerEngine(connect)


def engine_answers(connect: Connect = connect) -> bool:
    """Return whether an engine answers at all."""
    try:
        DockerEngine(connect)
    except HostNotReadyError:
        return False
    return True
