"""Connect to the engine, and describe connection errors.

Of the docker command's configuration, the client uses the address, the certificates and the headers of its
requests. Nothing of it may reach a container: neither the proxies, which docker-py puts into the environment
of containers and builds, nor the credentials, which it sends with each build.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import docker
import docker.credentials.errors
import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker.utils.proxy import ProxyConfig

from runner.engine.docker_address import docker_config_file, engine_address
from runner.errors import HostNotReadyError

CALL_SECONDS: Final = 60
"""How long an ordinary call may take."""
PULL_SECONDS: Final = 900
"""How long the engine may be silent while it pulls or builds an image."""

ENGINE_ERRORS: Final = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    docker.credentials.errors.StoreError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
"""Whatever a call to the engine may raise: docker-py has errors that are no DockerException."""

_MALFORMED: Final = (AttributeError, TypeError, ValueError, RecursionError)
"""What docker-py raises where an address or a part of the configuration has another form than it expects."""

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


class ApiClient(docker.APIClient):
    """Docker's API, without what docker-py takes from the docker command's configuration into containers."""

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - docker-py's own
        """Connect as `docker.APIClient` does.

        Raises:
            HostNotReadyError: the configuration of the docker command is malformed.
        """
        try:
            super().__init__(**arguments)
        except ENGINE_ERRORS as error:
            if isinstance(error, docker.errors.InvalidConfigFile) or (
                isinstance(error.__cause__, _MALFORMED) and not isinstance(error.__cause__, ENGINE_ERRORS)
            ):
                raise _configuration_error() from error
            raise
        except _MALFORMED as error:
            raise _configuration_error() from error
        self._proxy_configs = ProxyConfig()

    def _set_auth_headers(self, headers: dict[str, Any]) -> None:
        """Send no credentials with a build: it needs no registry, and their store may be broken."""


def _configuration_error() -> HostNotReadyError:
    return HostNotReadyError(
        f"The address of the container engine, or the configuration in {docker_config_file()}, is malformed; "
        "correct DOCKER_HOST or that file."
    )


def connect(seconds: int) -> docker.APIClient:
    """Return a client as the docker command would: ``DOCKER_HOST`` first, then the current context.

    Args:
        seconds: How long a call may take.

    Raises:
        HostNotReadyError: the context does not exist, or the configuration is malformed.
    """
    address = engine_address()
    return ApiClient(base_url=address.url or None, tls=address.tls, timeout=seconds)


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
