"""What commands report where no engine can be used: none answers, or this user may not use it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import docker
import docker.errors
import pytest
import requests.exceptions

from runner.engine.docker_connection import engine_call
from runner.engine.docker_engine import connect_engine, engine_answers
from runner.errors import EngineAccessError, HostNotReadyError
from runner.progress import NullReporter
from runner.setup import engine as setup


def refused(first: OSError) -> Callable[[int], docker.APIClient]:
    """Return a connect that fails as docker-py does when the connection to the socket fails."""

    def connect(_seconds: int) -> docker.APIClient:
        try:
            try:
                raise first
            except OSError as error:
                raise requests.exceptions.ConnectionError("Connection aborted.", error)  # noqa: B904 - as there
        except requests.exceptions.ConnectionError as error:
            raise docker.errors.DockerException("Error while fetching server API version") from error

    return connect


def test_none_answers() -> None:
    """The sentence of a machine without Docker."""
    connect = refused(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    with pytest.raises(HostNotReadyError, match="No container engine answers") as caught:
        connect_engine(connect)
    assert not isinstance(caught.value, EngineAccessError)
    assert not engine_answers(connect)


def test_one_that_is_for_others() -> None:
    """No advice to install what is there, from the commands and from the set-up."""
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
def test_one_that_goes_away(number: int, words: str) -> None:
    """What the system said, and what to do; not the representation of three errors in each other."""

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
