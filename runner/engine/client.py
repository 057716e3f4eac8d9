"""The container engine: the one place that talks to Docker.

Low-level calls with bounded times throughout: the high-level client inspects every
container when it lists them and hangs with the first one that does.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import docker
import docker.errors
import docker.utils

from runner.engine.connection import (
    CALL_SECONDS,
    ENGINE_ERRORS,
    NO_ANSWER,
    PULL_SECONDS,
    connect,
    describe_cause,
    engine_address,
    engine_call,
    is_access_denied,
)
from runner.engine.container import Container
from runner.engine.container_spec import LABEL, ContainerSpec
from runner.engine.podman import for_podman, is_podman, short_name
from runner.errors import EngineAccessError, HostNotReadyError, SandboxStartError


class Engine:
    """A container engine that answers."""

    def __init__(self) -> None:
        """Connect as the docker command would: ``DOCKER_HOST`` first, then the current context.

        Raises:
            HostNotReadyError: no engine answers.
            EngineForbiddenError: one is there that this user may not reach.
        """
        try:
            self._api = connect(CALL_SECONDS)
            self.version = self._api.version()
        except ENGINE_ERRORS as error:
            if is_access_denied(error):
                raise EngineAccessError from error
            raise HostNotReadyError(
                f"No container engine answers ({describe_cause(error)}); start Docker, or run: make setup"
            ) from error
        self.is_podman = is_podman(self.version)
        self.address = engine_address()

    def describe(self) -> dict[str, str]:
        """Return what this engine is, for records."""
        with engine_call():
            info = self._api.info()
        return {
            "engine": str(self.version.get("Version", "?")),
            "runtime": str(info.get("DefaultRuntime", "?")),
            "cgroup": str(info.get("CgroupVersion", "?")),
            "cores": str(info.get("NCPU", "?")),
        }

    def info(self) -> Mapping[str, Any]:
        """Return all that the engine says of itself and its host."""
        with engine_call():
            found: Mapping[str, Any] = self._api.info()
        return found

    def machine(self) -> dict[str, str]:
        """Return what tells the engine's machine from others, and stays when it starts anew."""
        with engine_call():
            info = self._api.info()
        wanted = {"engine": "ID", "name": "Name", "architecture": "Architecture", "cores": "NCPU"}
        return {name: str(info.get(key, "?")) for name, key in wanted.items()}

    def cores(self) -> int:
        """Return the number of cores that containers can use."""
        with engine_call():
            return int(self._api.info()["NCPU"])

    def start(self, spec: ContainerSpec) -> Container:
        """Create, attach to and start a container.

        Raises:
            SandboxStartError: the engine refuses or does not answer; nothing is left behind.
            HostNotReadyError: the image is missing, or the host has fewer cores than are asked for.
        """
        identity, stream = "", None
        if self.is_podman:
            spec = for_podman(spec)
        try:
            identity = self._api.create_container(
                image=spec.image,
                command=list(spec.command),
                user=spec.user,
                environment=spec.environment,
                labels=spec.labels,
                host_config=spec.host_config,
                hostname="sandbox",
                working_dir="/",
                entrypoint=[],
                stdin_open=True,
                network_disabled=True,
            )["Id"]
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            stream = self._api.attach_socket(identity, params=wanted)
            self._api.start(identity)
        except ENGINE_ERRORS as error:
            if stream is not None:
                Container(self._api, identity, stream).remove()
            elif identity:
                self.remove(identity)
            if isinstance(error, docker.errors.ImageNotFound):
                raise HostNotReadyError("The image is not built; run: unlearn image build") from error
            if "range of cpus" in str(error).lower():
                raise HostNotReadyError(f"This host has too few cores: {describe_cause(error)}.") from error
            raise SandboxStartError(f"A container could not be started: {describe_cause(error)}.") from error
        return Container(self._api, identity, stream)

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        """Return identity and labels of our containers that carry all of ``labels``."""
        wanted = [LABEL, *(f"{name}={value}" for name, value in labels.items())]
        with engine_call():
            found = self._api.containers(all=True, filters={"label": wanted})
        return [(one["Id"], one["Labels"]) for one in found]

    def remove(self, identity: str) -> None:
        """Remove a container by name, running or not."""
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.remove_container(identity, force=True, v=True)

    def image_identity(self, tag: str) -> str | None:
        """Return the engine's own digest of an image, or None if there is no such image."""
        try:
            return str(self._api.inspect_image(tag)["Id"])
        except docker.errors.ImageNotFound:
            return None
        except ENGINE_ERRORS as error:
            raise HostNotReadyError(NO_ANSWER.format(describe_cause(error))) from error

    def image_facts(self, tag: str) -> dict[str, Any]:
        """Return size, creation time and labels of an image that is there."""
        with engine_call():
            found = self._api.inspect_image(tag)
        labels = found.get("Config", {}).get("Labels") or {}
        return {"size_bytes": found["Size"], "created": found["Created"], "labels": labels}

    def pull(self, repository: str, tag: str) -> bool:
        """Fetch an image from a registry; return False where none is reachable or has it."""
        try:
            for event in connect(PULL_SECONDS).pull(repository, tag=tag, stream=True, decode=True):
                if "error" in event:
                    return False
        except ENGINE_ERRORS:
            return False
        return True

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image another name."""
        with engine_call():
            self._api.tag(image, repository, tag)

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Make an image of one layer from a tar of a root file system.

        Raises:
            HostNotReadyError: the engine refuses it.
        """
        try:
            answer = connect(PULL_SECONDS).import_image_from_file(str(archive), repository, tag)
        except ENGINE_ERRORS as error:
            raise HostNotReadyError(f"The base image was refused: {describe_cause(error)}.") from error
        for line in str(answer).splitlines():
            if "error" in (event := json.loads(line)):
                raise HostNotReadyError(f"The base image was refused: {event['error']}.")

    def build(
        self,
        *,
        context: IO[bytes],
        target: str,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        """Build one target of a Dockerfile that lies in a tar stream, without any network.

        Raises:
            HostNotReadyError: with the last line that the build printed.
        """
        try:
            for line in self._build_lines(context, target, tag, arguments, labels):
                on_line(line)
        except ENGINE_ERRORS as error:
            raise HostNotReadyError(f"The image could not be built: {describe_cause(error)}.") from error

    def _build_lines(
        self,
        context: IO[bytes],
        target: str,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Iterator[str]:
        events = connect(PULL_SECONDS).build(
            fileobj=context,
            custom_context=True,
            target=target,
            tag=tag,
            buildargs=dict(arguments),
            labels=dict(labels),
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in events:
            if "error" in event:
                raise HostNotReadyError(f"The image could not be built: {str(event['error']).strip()}")
            if text := str(event.get("stream", "")).strip():
                yield text

    def remove_image(self, tag: str) -> None:
        """Remove an image; no error if it is in use or not there."""
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.remove_image(tag, noprune=False)

    def remove_dangling(self, labels: Mapping[str, str]) -> None:
        """Remove the nameless images that carry all of ``labels``: stages of a finished build."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        with contextlib.suppress(*ENGINE_ERRORS):
            for found in self._api.images(filters={"dangling": True, "label": wanted}):
                self._api.remove_image(found["Id"])

    def images(self, repository: str) -> list[str]:
        """Return the tags of a repository's images."""
        with engine_call():
            found = self._api.images(name=repository)
        return [short_name(tag) for image in found for tag in image.get("RepoTags") or []]


def engine_answers() -> bool:
    """Return whether an engine answers at all."""
    try:
        Engine()
    except HostNotReadyError:
        return False
    return True
