"""TODO runner.engine.connection."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

import docker
import docker.errors
import docker.utils
import requests.exceptions
from docker.context import ContextAPI

from runner.errors import HostNotReadyError

CALL_SECONDS: Final = 60
PULL_SECONDS: Final = 900

NO_ANSWER: Final = "The container engine does not answer ({}); start it, and repeat the command."

ENGINE_ERRORS: Final = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


def is_access_denied(error: BaseException) -> bool:
    return any(isinstance(one, PermissionError) for one in cause_chain(error))


def cause_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


@contextlib.contextmanager
def engine_call() -> Iterator[None]:
    try:
        yield
    except ENGINE_ERRORS as error:
        raise HostNotReadyError(NO_ANSWER.format(describe_cause(error))) from error


def engine_address() -> str:
    """Return where the engine is that commands of now talk to; empty: where engines usually are."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return str(context.Host or "") if context is not None else ""


def connect(seconds: int) -> docker.APIClient:
    if os.environ.get("DOCKER_HOST"):
        return docker.APIClient(timeout=seconds, **docker.utils.kwargs_from_env())
    context = ContextAPI.get_current_context()
    if context is None or not context.Host:
        return docker.APIClient(timeout=seconds)
    return docker.APIClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=seconds)


def describe_cause(error: BaseException) -> str:
    """Return in a few words what the engine said, or what the system said of reaching it."""
    if isinstance(error, requests.exceptions.ConnectionError):
        for one in reversed(list(cause_chain(error))):
            if isinstance(one, OSError) and isinstance(one.strerror, str):
                return one.strerror.lower()
    text = str(getattr(error, "explanation", None) or error)
    return " ".join(text.split())[:300].rstrip(".")
