"""Find the engine's address as the docker command does: by ``DOCKER_HOST``, or by the current context.

A context that is named but not found is an error and never the default socket: another engine would be used
than the one that was chosen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import docker.utils
from docker.context import ContextAPI
from docker.errors import DockerException
from docker.tls import TLSConfig

from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import read_regular_file
from runner.sanitize import sanitize_line

_DEFAULT: Final = "default"
_FILE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Where the engine listens, and what named it."""

    url: str
    """Empty for docker-py's default."""
    tls: TLSConfig | bool = False
    context: str = ""
    """Name of the context; empty without one."""


def engine_address() -> EngineAddress:
    """Return the address of the engine that the docker command would use.

    Raises:
        HostNotReadyError: a context is named that does not exist, or that cannot be read.
        docker.errors.DockerException: the certificates that the environment names cannot be used.
    """
    if os.environ.get("DOCKER_HOST"):
        arguments = docker.utils.kwargs_from_env()
        return EngineAddress(url=str(arguments.get("base_url", "")), tls=arguments.get("tls") or False)
    name, source = _context_name()
    if name == _DEFAULT:
        return EngineAddress(url=str(ContextAPI.DEFAULT_CONTEXT.Host or ""))
    return _read_context(name, source)


def named_address() -> str:
    """Return the address and what names it, for an error message; empty for the default socket."""
    if host := os.environ.get("DOCKER_HOST"):
        return f"{sanitize_line(host, 200)}, the address in DOCKER_HOST"
    try:
        address = engine_address()
    except (HostNotReadyError, DockerException):
        return ""
    if not address.context:
        return ""
    return f"{sanitize_line(address.url, 200)}, the address of Docker's context {address.context}"


def context_is_named() -> bool:
    """Return whether a context other than the default one is used."""
    return not os.environ.get("DOCKER_HOST") and _context_name()[0] != _DEFAULT


def docker_config_file() -> Path:
    """Return the path of the docker command's configuration."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path("~/.docker").expanduser()) / "config.json"


def _context_name() -> tuple[str, str]:
    """Return the name of the context, and what names it."""
    if name := os.environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    file = docker_config_file()
    try:
        configuration = json.loads(read_regular_file(file, max_bytes=_FILE_BYTES))
    except (OSError, ValueError, RecursionError, ConfigurationError):
        return _DEFAULT, ""  # the docker command warns of such a file and uses its defaults
    name = configuration.get("currentContext") if isinstance(configuration, dict) else None
    return (name, f"currentContext in {file}") if isinstance(name, str) and name else (_DEFAULT, "")


def _read_context(name: str, source: str) -> EngineAddress:
    shown = sanitize_line(name, 100)
    identity = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    contexts = docker_config_file().parent / "contexts"
    file = contexts / "meta" / identity / "meta.json"
    try:
        endpoint = json.loads(read_regular_file(file, max_bytes=_FILE_BYTES))["Endpoints"]["docker"]
        url = endpoint["Host"]
        if not isinstance(url, str) or not url:
            raise ValueError("it has no address")
    except FileNotFoundError as error:
        raise HostNotReadyError(
            f"Docker's context {shown} was not found (named by {source}); "
            "list the contexts with: docker context ls"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ConfigurationError) as error:
        raise HostNotReadyError(
            f"Docker's context {shown} cannot be used: {file} names no address of an engine."
        ) from error
    return EngineAddress(
        url=url, tls=_context_tls(contexts / "tls" / identity / "docker", endpoint), context=shown
    )


def _context_tls(folder: Path, endpoint: Mapping[str, Any]) -> TLSConfig | bool:
    """Return the certificates of a context; False if it has none."""
    authority, certificate, key = (folder / f"{part}.pem" for part in ("ca", "cert", "key"))
    if not any(file.is_file() for file in (authority, certificate, key)):
        return False
    pair = (str(certificate), str(key)) if certificate.is_file() or key.is_file() else None
    verify = not endpoint.get("SkipTLSVerify", False)
    return TLSConfig(client_cert=pair, ca_cert=str(authority) if authority.is_file() else None, verify=verify)
