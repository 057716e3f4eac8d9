"""Removing a container closes every part of its stream."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import docker

from runner.engine.docker_container import DockerContainer


class RemovingClient(docker.APIClient):
    """A Docker client that accepts every removal and does nothing."""

    def __init__(self) -> None:
        pass

    def remove_container(self, *_names: object, **_options: object) -> None:
        pass


def test_the_http_response_is_closed_before_its_socket() -> None:
    """From Python 3.13 on, a response that is collected after its socket was closed warns on stderr."""
    near, far = socket.socketpair()
    with far:
        far.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        response = http.client.HTTPResponse(near)
        response.begin()
        stream: Any = response.fp.raw
        stream._response = response  # where docker-py stores it
        container = DockerContainer(RemovingClient(), "identity", stream)
        near.close()
        container.remove()
        assert response.isclosed()
        assert stream.closed
        assert far.recv(1) == b""
        container.remove()
