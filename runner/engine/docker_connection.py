"""Connect to the engine, and describe connection errors."""

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
"""How long an ordinary call may take."""
PULL_SECONDS: Final = 900
"""How long the engine may be silent while it pulls or builds an image."""

ENGINE_ERRORS: Final = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)
"""Whatever a call to the engine may raise."""

_NO_ANSWER: Final = "The container engine does not answer ({}); start it, and repeat the command."


def no_answer_error(error: BaseException) -> HostNotReadyError:
    """Return the error of an engine that failed to answer with ``error``."""
    return HostNotReadyError(_NO_ANSWER.format(describe_cause(error)))


@contextlib.contextmanager
def engine_call() -> Iterator[None]:
    """Turn whatever a call to the engine raises into HostNotReadyError."""
    try:
        yield
    except ENGINE_ERRORS as error:
        raise no_answer_error(error) from error


def connect(seconds: int) -> docker.APIClient:
    """Return a client as the docker command would: ``DOCKER_HOST`` first, then the current context.

    Args:
        seconds: How long a call may take.
    """
    if os.environ.get("DOCKER_HOST"):
        return docker.APIClient(timeout=seconds, **docker.utils.kwargs_from_env())
    context = ContextAPI.get_current_context()
    if context is None or not context.Host:
        return docker.APIClient(timeout=seconds)
    return docker.APIClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=seconds)


def engine_address() -> str:
    """Return the address of the engine that `connect` uses; empty for the default address."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return str(context.Host or "") if context is not None else ""


def is_access_denied(error: BaseException) -> bool:
    """Return whether the engine exists and this user may not use it."""
    return any(isinstance(cause, PermissionError) for cause in _causes(error))


def describe_cause(error: BaseException) -> str:
    """Return in a few words what the engine, or the operating system, reported."""
    if isinstance(error, requests.exceptions.ConnectionError):
        for cause in reversed(list(_causes(error))):
            if isinstance(cause, OSError) and isinstance(cause.strerror, str):
                return cause.strerror.lower()
    text = str(getattr(error, "explanation", None) or error)
    return " ".join(text.split())[:300].rstrip(".")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its chain of causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
