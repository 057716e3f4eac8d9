"""Is nothing left behind of the stream to a container that is removed?"""

from __future__ import annotations

import http.client
import socket
from typing import Any

import docker

from runner.engine.docker_container import DockerContainer


class Forgetful(docker.APIClient):
    """An engine that forgets whatever it is to remove."""

    def __init__(self) -> None:
        pass

    def remove_container(self, *_names: object, **_options: object) -> None:
        pass


def test_the_answer_that_a_stream_came_by_is_closed_with_it() -> None:
    """Python 3.13 complains on stderr of one that is collected after its socket was closed under it."""
    near, far = socket.socketpair()
    with far:
        far.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        answer = http.client.HTTPResponse(near)
        answer.begin()
        stream: Any = answer.fp.raw
        stream._response = answer  # where docker-py keeps it
        container = DockerContainer(Forgetful(), "identity", stream)
        near.close()
        container.remove()
        assert answer.isclosed()
        assert stream.closed
        assert far.recv(1) == b""
        container.remove()
