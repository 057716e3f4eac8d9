"""The images of an engine, over Docker's API."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import docker
import docker.auth
import docker.errors

from runner.engine.docker_connection import (
    ENGINE_ERRORS,
    PULL_SECONDS,
    connect,
    describe_cause,
    engine_call,
    no_answer_error,
)
from runner.engine.podman import short_name
from runner.errors import HostNotReadyError


class DockerImages:
    """The images of an engine with Docker's API (`runner.engine.api.Images`)."""

    def __init__(self, api: docker.APIClient) -> None:
        """Use a connection for short calls; pulling and building open one of their own."""
        self._api = api

    def identity(self, tag: str) -> str | None:
        """Return the engine's own digest of an image, or None if there is no such image."""
        try:
            return str(self._api.inspect_image(tag)["Id"])
        except docker.errors.ImageNotFound:
            return None
        except ENGINE_ERRORS as error:
            raise no_answer_error(error) from error

    def facts(self, tag: str) -> dict[str, Any]:
        """Return size, creation time and labels of an image that exists."""
        with engine_call():
            image = self._api.inspect_image(tag)
        labels = image.get("Config", {}).get("Labels") or {}
        return {"size_bytes": image["Size"], "created": image["Created"], "labels": labels}

    def pull(self, repository: str, tag: str) -> bool:
        """Fetch an image from a registry; return False where none is reachable or has it.

        The configured credentials are used if their store answers; the image is a public one.
        """
        try:
            api, credentials = connect(PULL_SECONDS), _credentials(repository)
            for event in api.pull(repository, tag=tag, stream=True, decode=True, auth_config=credentials):
                if "error" in event:
                    return False
        except ENGINE_ERRORS:
            return False
        return True

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Add a name to an image."""
        with engine_call():
            self._api.tag(image, repository, tag)

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Create an image of one layer from a tar of a root file system.

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
            use_config_proxy=False,
        )
        for event in events:
            if "error" in event:
                raise HostNotReadyError(f"The image could not be built: {str(event['error']).strip()}")
            if text := str(event.get("stream", "")).strip():
                yield text

    def remove(self, tag: str) -> None:
        """Remove an image; no error if it is in use or does not exist."""
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.remove_image(tag, noprune=False)

    def remove_dangling(self, labels: Mapping[str, str]) -> None:
        """Remove the nameless images that carry all of ``labels``: stages of a finished build."""
        filters = [f"{name}={value}" for name, value in labels.items()]
        with contextlib.suppress(*ENGINE_ERRORS):
            for image in self._api.images(filters={"dangling": True, "label": filters}):
                self._api.remove_image(image["Id"])

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository's images."""
        with engine_call():
            images = self._api.images(name=repository)
        return [short_name(tag) for image in images for tag in image.get("RepoTags") or []]


def _credentials(repository: str) -> dict[str, Any]:
    """Return the configured credentials of a repository's registry; none where they cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):  # docker-py warns of a missing program
            registry, _name = docker.auth.resolve_repository_name(repository)
            return docker.auth.resolve_authconfig(docker.auth.load_config(), registry) or {}
    except (*ENGINE_ERRORS, AttributeError, KeyError, TypeError, ValueError):
        return {}
