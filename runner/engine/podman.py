"""Translate Docker's options to Podman's for a container with the same isolation; pure.

Podman (tested: 4.3.1) offers Docker's API with differences. Options that it would refuse, or silently treat
differently, are translated here; ``tests/runner/golden/podman.json`` records the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from runner.engine.docker_options import DockerOptions
from runner.errors import HostNotReadyError

_REFUSED: Final = "nr_inodes"
"""A tmpfs option that it refuses. Memory then bounds the number of files: the kernel charges it for them."""

_ALSO_CLOSED: Final = "noexec,notmpcopyup"
"""Docker mounts a tmpfs noexec by itself, and does not fill it with what the image has there."""

_PODMAN_TMPFS: Final = dict.fromkeys(
    ("/run", "/var/tmp"),  # noqa: S108 - paths in the container
    f"ro,nosuid,nodev,{_ALSO_CLOSED},size=4096,mode=0555",
)
"""Paths where a container with a read-only root gets a writable, unlimited tmpfs unless overridden."""

_PODMAN_FILES: Final = ("/run/.containerenv",)
"""Mounted from the host's disk, besides those that Docker mounts too."""

_PROXIES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
"""Copied from the engine's environment, passwords included, unless the container has them already."""

_MIN_PROCESSES: Final = 16_384
"""Of a user on the whole host. We need no such limit, but by default Podman raises it above what a service
in a container may set, and then no container starts."""


def short_name(image: str) -> str:
    """Return an image's name without the registry that Podman puts in front."""
    return image.removeprefix("localhost/").removeprefix("docker.io/library/")


def podman_options(options: DockerOptions) -> DockerOptions:
    """Return the options with which Podman starts a container that is as closed as Docker's.

    Raises:
        HostNotReadyError: a runtime or a GPU is requested, which Podman would silently ignore.
    """
    config = dict(options.host_config)
    if runtime := config.get("Runtime"):
        raise HostNotReadyError(
            f"Podman does not let a container choose its runtime, so {runtime} would not be used; "
            "use Docker, or omit --runtime to get the one that Podman's service was started with."
        )
    if "DeviceRequests" in config:
        raise HostNotReadyError("GPUs are not supported with Podman yet; use Docker, or the CPU.")
    masked = (*config.pop("MaskedPaths"), *_PODMAN_FILES)
    config["SecurityOpt"] = [*config["SecurityOpt"], f"mask={':'.join(masked)}"]
    config["Tmpfs"] = {**_PODMAN_TMPFS, **{path: _tmpfs(mount) for path, mount in config["Tmpfs"].items()}}
    processes = max(_MIN_PROCESSES, config["PidsLimit"])
    config["Ulimits"] = [*config["Ulimits"], {"Name": "nproc", "Soft": processes, "Hard": processes}]
    proxies = {name: "" for lower in _PROXIES for name in (lower, lower.upper())}
    return replace(options, environment={**proxies, **options.environment}, host_config=config)


def _tmpfs(mount: str) -> str:
    words = [word for word in mount.split(",") if word.partition("=")[0] not in (_REFUSED, "noexec")]
    return ",".join([*words, _ALSO_CLOSED])
