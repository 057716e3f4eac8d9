"""The container engine over Docker's API.

All calls are low-level and have a timeout: docker-py's high-level client inspects every container when it
lists them, so a single container that hangs would block the list.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import docker
import docker.errors
from docker.utils import version_lt

from runner.checkout import next_step
from runner.engine.container_spec import LABEL, ContainerSpec
from runner.engine.control_groups import control_group, memory_bytes
from runner.engine.docker_address import engine_address, named_address
from runner.engine.docker_connection import (
    CALL_SECONDS,
    ENGINE_ERRORS,
    connect,
    describe_cause,
    engine_call,
    is_access_denied,
)
from runner.engine.docker_container import DockerContainer
from runner.engine.docker_images import DockerImages
from runner.engine.docker_options import container_name, docker_options
from runner.engine.info import EngineInfo, is_podman
from runner.engine.podman import podman_options
from runner.errors import EngineAccessError, HostNotReadyError, SandboxStartError

_ONE_SHOT_VERSION: Final = "1.41"
"""Earlier versions of the API measure a container twice before they answer."""
_CORE_LIMIT_REFUSED: Final = re.compile(r"rlimit[^:]*?(type 4|rlimit_core)\b[^:]*: operation not permitted")
"""What runc and crun report, in lower case, where the engine may have no core dumps and is not root."""

Connect = Callable[[int], docker.APIClient]
"""Returns a client of Docker's API whose calls end after so many seconds."""


class DockerEngine:
    """An engine with Docker's API that answers (`runner.engine.api.Engine`)."""

    def __init__(self, connect: Connect = connect) -> None:
        """Connect as the docker command would.

        Args:
            connect: How; a test passes a function that fails.

        Raises:
            HostNotReadyError: no engine answers.
            EngineAccessError: this user may not use the engine.
        """
        try:
            self._api = connect(CALL_SECONDS)
            self._version = self._api.version()
        except ENGINE_ERRORS as error:
            if is_access_denied(error):
                raise EngineAccessError from error
            place = f" at {named}" if (named := named_address()) else ""
            raise HostNotReadyError(
                f"No container engine answers{place} ({describe_cause(error)}); "
                f"start Docker, or {next_step('unlearn setup')}"
            ) from error
        self._is_podman = is_podman(self._version)
        self._may_limit_cores = True
        self.address = engine_address().url
        self.images = DockerImages(self._api)

    def info(self) -> EngineInfo:
        """Ask what the engine reports about itself and its host."""
        with engine_call():
            return EngineInfo.of(self._api.info(), self._version)

    def start(self, spec: ContainerSpec) -> DockerContainer:
        """Create, attach to and start a container.

        Raises:
            SandboxStartError: the engine refuses or does not answer; nothing is left behind.
            HostNotReadyError: the image is missing, or the host has fewer cores than requested.
        """
        while True:
            try:
                return self._start(spec if self._may_limit_cores else _without_core_dumps(spec))
            except SandboxStartError as error:
                if not self._may_limit_cores or not _CORE_LIMIT_REFUSED.search(str(error).lower()):
                    raise
                self._may_limit_cores = False

    def _start(self, spec: ContainerSpec) -> DockerContainer:
        options = docker_options(spec)
        if self._is_podman:
            options = podman_options(options)
        identity, stream = "", None
        try:
            identity = self._api.create_container(
                image=options.image,
                name=container_name(spec),
                command=list(options.command),
                user=options.user,
                environment=options.environment,
                labels=options.labels,
                host_config=options.host_config,
                hostname="sandbox",
                working_dir="/",
                entrypoint=[],
                stdin_open=True,
                network_disabled=True,
                use_config_proxy=False,
            )["Id"]
            stream = self._api.attach_socket(
                identity, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            self._api.start(identity)
        except ENGINE_ERRORS as error:
            if stream is not None:
                DockerContainer(self._api, identity, stream).remove()
            elif identity:
                self.remove(identity)
            if isinstance(error, docker.errors.ImageNotFound):
                raise HostNotReadyError(
                    f"The image is not built; {next_step('unlearn image build')}"
                ) from error
            if "range of cpus" in str(error).lower():
                raise HostNotReadyError(f"This host has too few cores: {describe_cause(error)}.") from error
            raise SandboxStartError(f"A container could not be started: {describe_cause(error)}.") from error
        container = DockerContainer(self._api, identity, stream)
        container.look_for_groups()
        return container

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        """Return identity and labels of this project's containers that carry all of ``labels``."""
        filters = [LABEL, *(f"{name}={value}" for name, value in labels.items())]
        with engine_call():
            containers = self._api.containers(all=True, filters={"label": filters})
        return [(container["Id"], container["Labels"]) for container in containers]

    def unused_memory_bytes(self) -> int:
        """Return what this project's running containers may still use, up to their limits, and do not yet."""
        with engine_call():
            running = self._api.containers(filters={"label": [LABEL]})
            return sum(self._unused_memory_bytes(container["Id"]) for container in running)

    def _unused_memory_bytes(self, identity: str) -> int:
        """Return what a container may still use: up to its whole limit, where its use is not known."""
        seen = self._seen_unused_memory_bytes(identity)
        if seen is not None:
            return seen
        is_old = version_lt(self._api.api_version, _ONE_SHOT_VERSION)
        options = {} if is_old else {"one_shot": True}
        try:
            memory = self._api.stats(identity, stream=False, **options)["memory_stats"]
            return max(0, int(memory["limit"]) - int(memory["usage"]))
        except docker.errors.NotFound:
            return 0  # it has ended meanwhile
        except (*ENGINE_ERRORS, KeyError, TypeError, ValueError):
            return self._memory_limit_bytes(identity)

    def _seen_unused_memory_bytes(self, identity: str) -> int | None:
        """Return the same from the container's control group; None if that is not visible here.

        The engine's statistics take a second for each container, in which no run is started.
        """
        try:
            facts = self._api.inspect_container(identity)
            process, limit = int(facts["State"]["Pid"]), int(facts["HostConfig"]["Memory"])
        except (*ENGINE_ERRORS, KeyError, TypeError, ValueError):
            return None
        group = control_group(identity, process, "memory")
        used = memory_bytes(group) if group is not None else None
        return max(0, limit - used) if used is not None else None

    def _memory_limit_bytes(self, identity: str) -> int:
        """Return the limit of a running container, 0 for one that has ended."""
        try:
            facts = self._api.inspect_container(identity)
        except docker.errors.NotFound:
            return 0
        return int(facts["HostConfig"]["Memory"]) if facts["State"]["Running"] else 0

    def remove(self, identity: str) -> None:
        """Remove a container by its identity, running or not."""
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.remove_container(identity, force=True, v=True)


def _without_core_dumps(spec: ContainerSpec) -> ContainerSpec:
    """Return a specification with the one limit of core dumps that an engine with a hard limit of 0 can set.

    At 0 there are no files of core dumps either. But where the kernel hands them to a program of the host, it
    is started for each crash, which the usual limit prevents; `unlearn doctor` warns of that.
    """
    return replace(spec, ulimits={**spec.ulimits, "core": 0})
