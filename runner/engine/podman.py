"""How Podman is asked for the very container that Docker is asked for: from options to options, purely.

Podman (4.3.1 was tried) has Docker's API and ideas of its own. What would be refused or silently done
otherwise is said in its words here; `tests/runner/golden/podman.json` records what it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from runner.engine.container_spec import ContainerSpec
from runner.errors import HostNotReadyError

_REFUSED: Final = "nr_inodes"
"""Of a tmpfs. Memory is then what bounds the number of files: the kernel charges them to the container."""

_ALSO_CLOSED: Final = "noexec,notmpcopyup"
"""Docker mounts a tmpfs noexec by itself, and does not fill it with what the image has there."""

_ITS_OWN_TMPFS: Final = {
    place: f"ro,nosuid,nodev,{_ALSO_CLOSED},size=4096,mode=0555"
    for place in ("/run", "/var/tmp")  # noqa: S108
}
"""Where a container with a read-only root gets a writable tmpfs without a limit, unless told otherwise."""

_ITS_OWN_FILES: Final = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")
"""Mounted from the host's disk; the first holds the host's own names and addresses."""

_PROXIES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
"""Copied from the engine's environment, passwords included, unless the container has them already."""

_LEAST_PROCESSES: Final = 16_384
"""Of a user, on the whole host: it is no limit of ours, but Podman would raise it to more than a service
in a container may, and then no container starts."""


def is_podman(version: Mapping[str, Any]) -> bool:
    """Return whether that is what an engine says of itself (``GET /version``)."""
    return any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or [])


def short_name(image: str) -> str:
    """Return the name that an image was given, which Podman lists with a registry in front."""
    return image.removeprefix("localhost/").removeprefix("docker.io/library/")


def for_podman(spec: ContainerSpec) -> ContainerSpec:
    """Return what Podman is to be told for a container that is as closed.

    Raises:
        HostNotReadyError: a runtime or a GPU is asked for, which Podman would silently leave out.
    """
    config = dict(spec.host_config)
    if runtime := config.get("Runtime"):
        raise HostNotReadyError(
            f"Podman does not let a container choose its runtime, so {runtime} would not be used; "
            "use Docker, or leave the choice away to have the one that its service was started with."
        )
    if "DeviceRequests" in config:
        raise HostNotReadyError("GPUs are not given to containers of Podman yet; use Docker, or the CPU.")
    masked = (*config.pop("MaskedPaths"), *_ITS_OWN_FILES)
    config["SecurityOpt"] = [*config["SecurityOpt"], f"mask={':'.join(masked)}"]
    config["Tmpfs"] = {**_ITS_OWN_TMPFS, **{place: _tmpfs(said) for place, said in config["Tmpfs"].items()}}
    processes = max(_LEAST_PROCESSES, config["PidsLimit"])
    config["Ulimits"] = [*config["Ulimits"], {"Name": "nproc", "Soft": processes, "Hard": processes}]
    proxies = {name: "" for lower in _PROXIES for name in (lower, lower.upper())}
    return replace(spec, environment={**proxies, **spec.environment}, host_config=config)


def _tmpfs(said: str) -> str:
    words = [word for word in said.split(",") if word.partition("=")[0] not in (_REFUSED, "noexec")]
    return ",".join([*words, _ALSO_CLOSED])
