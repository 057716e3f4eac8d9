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
import docker.utils

from runner.engine.container_spec import LABEL
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
from runner.units import size_text


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
        """Return what the engine knows of an image that exists (`runner.engine.api.Images.facts`)."""
        with engine_call():
            image = self._api.inspect_image(tag)
        by_digest = image.get("RepoDigests") or []
        return {
            "size_bytes": image["Size"],
            "created": image["Created"],
            "labels": image.get("Config", {}).get("Labels") or {},
            "architecture": str(image.get("Architecture", "")),
            "names": [*(short_name(name) for name in image.get("RepoTags") or []), *by_digest],
            "config": _config_digest(image),
        }

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

    def fetch(self, reference: str, on_line: Callable[[str], None]) -> None:
        """Fetch the image that a reference names, by tag or digest, from its registry.

        Raises:
            HostNotReadyError: the registry is not reachable, or refuses.
        """
        repository, tag = docker.utils.parse_repository_tag(reference)
        for event in _transfer(
            f"{reference} could not be pulled",
            lambda api: api.pull(
                repository, tag=tag, stream=True, decode=True, auth_config=_credentials(repository)
            ),
        ):
            on_line(str(event.get("status", "")))

    def push(self, name: str, on_line: Callable[[str], None]) -> str:
        """Send the image of this name to the registry in the name, and return its digest there.

        Raises:
            HostNotReadyError: the registry is not reachable, or refuses.
        """
        repository, tag = docker.utils.parse_repository_tag(name)
        digest = ""
        for event in _transfer(
            f"{name} could not be pushed",
            lambda api: api.push(
                repository, tag=tag, stream=True, decode=True, auth_config=_credentials(repository)
            ),
        ):
            digest = (event.get("aux") or {}).get("Digest", digest)
            on_line(str(event.get("status", "")))
        if not digest:
            raise HostNotReadyError(f"{name} was pushed, but the engine does not report its digest.")
        return str(digest)

    def save(self, tag: str) -> Iterator[bytes]:
        """Yield the pieces of a tar with an image and its name.

        Raises:
            HostNotReadyError: the engine has no such image, or the connection broke.
        """
        try:
            yield from connect(PULL_SECONDS).get_image(tag)
        except ENGINE_ERRORS as error:
            raise HostNotReadyError(f"The image could not be saved: {describe_cause(error)}.") from error

    def load(self, archive: IO[bytes]) -> None:
        """Take over the images and names of a tar that `save` wrote.

        Raises:
            HostNotReadyError: the engine refuses it.
        """
        for _event in _transfer("The image could not be loaded", lambda api: api.load_image(archive)):
            pass

    def folder_archive(self, image: str, path: str, *, max_bytes: int, labels: Mapping[str, str]) -> bytes:
        """Return a folder of an image as a tar; nothing of the image is executed.

        Args:
            image: A name of it.
            path: Of the folder.
            max_bytes: Of the tar.
            labels: Of this process's containers: it is read from one that is never started.

        Raises:
            HostNotReadyError: it has no such folder, or the folder is larger than ``max_bytes``.
        """
        identity, archive = "", bytearray()
        try:
            identity = self._api.create_container(
                image=image,
                command=["/never-started"],
                entrypoint=[],
                labels={**labels, LABEL: "reader"},
                network_disabled=True,
                use_config_proxy=False,
                host_config={"NetworkMode": "none"},
            )["Id"]
            pieces, _status = self._api.get_archive(identity, path)
            for piece in pieces:
                archive += piece
                if len(archive) > max_bytes:
                    raise HostNotReadyError(f"{path} of the image is larger than {size_text(max_bytes)}.")
        except ENGINE_ERRORS as error:
            raise HostNotReadyError(
                f"{path} of the image could not be read: {describe_cause(error)}."
            ) from error
        finally:
            if identity:
                with contextlib.suppress(*ENGINE_ERRORS):
                    self._api.remove_container(identity, force=True, v=True)
        return bytes(archive)

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
        """Remove a name of an image, and the image with its last name; no error if that cannot be done."""
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


def _transfer(
    failure: str, call: Callable[[docker.APIClient], Iterator[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """Yield the events of a call that moves an image.

    Args:
        failure: Of what, for the error's sentence.
        call: Starts it on a connection that waits long enough.

    Raises:
        HostNotReadyError: it failed.
    """
    try:
        for event in call(connect(PULL_SECONDS)):
            if "error" in event:
                raise HostNotReadyError(f"{failure}: {str(event['error']).strip().rstrip('.')}.")
            yield event
    except ENGINE_ERRORS as error:
        raise HostNotReadyError(f"{failure}: {describe_cause(error)}.") from error


def _config_digest(image: Mapping[str, Any]) -> str:
    """Return the digest of an image's configuration; "" where the engine names images by something else.

    An engine that stores images with containerd names them by the digest of a manifest or an index.
    """
    identity = str(image["Id"])
    by_digest = image.get("RepoDigests") or []
    if image.get("Descriptor") or any(name.rpartition("@")[2] == identity for name in by_digest):
        return ""
    return identity if identity.startswith("sha256:") else f"sha256:{identity}"


def _credentials(repository: str) -> dict[str, Any]:
    """Return the configured credentials of a repository's registry; none where they cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):  # docker-py warns of a missing program
            registry, _name = docker.auth.resolve_repository_name(repository)
            return docker.auth.resolve_authconfig(docker.auth.load_config(), registry) or {}
    except (*ENGINE_ERRORS, AttributeError, KeyError, TypeError, ValueError):
        return {}
