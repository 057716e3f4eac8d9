"""A container stands still if it is out of reach, or uses no processor time and does not wait for its share."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any, cast

import docker
import docker.errors
import pytest
import requests.exceptions

from runner.engine import docker_container
from runner.engine.docker_container import DockerContainer
from tests.support.clock import Clock


class Statistics:
    """Answers each question for statistics with the next pair of processor time and throttled periods."""

    def __init__(self, *pairs: tuple[int, int | None]) -> None:
        self._pairs = list(pairs)

    def stats(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
        """Return statistics in the form of Docker's API."""
        used, periods = self._pairs.pop(0)
        throttling = {} if periods is None else {"throttled_periods": periods}
        return {"cpu_stats": {"cpu_usage": {"total_usage": used}, "throttling_data": throttling}}


@pytest.mark.parametrize(
    ("pairs", "stood_still"),
    [
        (((5, 2), (5, 2)), True),
        (((5, None), (5, None)), True),
        (((5, 2), (6, 2)), False),
        (((5, 2), (5, 6)), False),
    ],
)
def test_a_container_that_waits_for_its_share_does_not_stand_still(
    pairs: tuple[tuple[int, int | None], ...], stood_still: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DockerContainer, "is_running", lambda _self: True)
    monkeypatch.setattr(docker_container, "_STANDSTILL_SECONDS", 0.0)
    stream, other = socket.socketpair()
    with stream, other:
        container = DockerContainer(cast("docker.APIClient", Statistics(*pairs)), "identity", stream)
        assert container.stood_still() is stood_still


@pytest.mark.parametrize(
    ("error", "stood_still"),
    [
        (requests.exceptions.ReadTimeout(), True),
        (ConnectionResetError(), True),
        (docker.errors.APIError("no statistics here"), False),
    ],
)
@pytest.mark.parametrize("answers", [0, 1])
def test_an_engine_that_stops_answering_meanwhile_is_out_of_reach(
    error: Exception, stood_still: bool, answers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers that it has no statistics is not: then what it says of the container's state counts."""

    class Failing(Statistics):
        def stats(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
            if not self._pairs:
                raise error
            return super().stats()

    monkeypatch.setattr(DockerContainer, "is_running", lambda _self: True)
    monkeypatch.setattr(docker_container, "_STANDSTILL_SECONDS", 0.0)
    stream, other = socket.socketpair()
    with stream, other:
        api = cast("docker.APIClient", Failing(*[(5, 2)] * answers))
        assert DockerContainer(api, "identity", stream).stood_still() is stood_still


@pytest.mark.parametrize(
    ("answer_seconds", "stood_still"), [(0.02, False), (0.9, False), (1.5, True), (26.0, True)]
)
def test_an_engine_that_answers_late_was_out_of_reach(
    answer_seconds: float, stood_still: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the container wrote meanwhile may not have arrived, so its silence is not held against a run."""
    clock = Clock()

    def is_running(_self: DockerContainer) -> bool:
        clock.wait(answer_seconds)
        return True

    monkeypatch.setattr(DockerContainer, "is_running", is_running)
    monkeypatch.setattr(docker_container, "_STANDSTILL_SECONDS", 0.0)
    monkeypatch.setattr(docker_container, "time", SimpleNamespace(monotonic=clock, sleep=clock.wait))
    stream, other = socket.socketpair()
    with stream, other:
        container = DockerContainer(cast("docker.APIClient", Statistics((5, 2), (6, 2))), "identity", stream)
        assert container.stood_still() is stood_still
