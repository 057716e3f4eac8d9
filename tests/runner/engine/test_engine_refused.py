"""An engine that does not answer, and one that this user may not use, are reported differently."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import docker
import docker.errors
import pytest
import requests.exceptions

from runner.engine.connect import connect_engine, engine_answers
from runner.engine.docker_connection import engine_call
from runner.errors import EngineAccessError, HostNotReadyError
from runner.progress import NullReporter
from runner.setup import engine as setup


def refused(cause: OSError) -> Callable[[int], docker.APIClient]:
    """Return a connect function that fails as docker-py does when the socket cannot be opened."""

    def connect(_seconds: int) -> docker.APIClient:
        try:
            try:
                raise cause
            except OSError as error:
                raise requests.exceptions.ConnectionError("Connection aborted.", error)  # noqa: B904 - as there
        except requests.exceptions.ConnectionError as error:
            raise docker.errors.DockerException("Error while fetching server API version") from error

    return connect


def test_a_missing_engine_is_reported() -> None:
    """A machine without Docker: HostNotReadyError, but not EngineAccessError."""
    connect = refused(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    with pytest.raises(HostNotReadyError, match="No container engine answers") as caught:
        connect_engine(connect)
    assert not isinstance(caught.value, EngineAccessError)
    assert not engine_answers(connect)


def test_a_denied_socket_is_an_access_error() -> None:
    """Neither the commands nor the set-up advise to install an engine that is installed."""
    connect = refused(PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(EngineAccessError, match="your user may not use it"):
        connect_engine(connect)
    with pytest.raises(EngineAccessError, match="group docker"):
        setup.prepare_host(NullReporter(), connect)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ECONNREFUSED, "connection refused"),
        (errno.ENOENT, "no such file or directory"),
        (errno.ECONNRESET, "connection reset by peer"),
    ],
)
def test_a_lost_connection_is_one_sentence(number: int, words: str) -> None:
    """It holds the operating system's reason and what to do, not the repr of three nested errors."""

    def call() -> None:
        with engine_call():
            try:
                raise OSError(number, os.strerror(number))
            except OSError as error:
                raise requests.exceptions.ConnectionError("Connection aborted.", error)  # noqa: B904 - as there

    with pytest.raises(HostNotReadyError) as caught:
        call()
    assert str(caught.value) == (
        f"The container engine does not answer ({words}); start it, and repeat the command."
    )
