"""What running containers may still use is counted in full where the engine does not tell what they use."""

from __future__ import annotations

from typing import Any, cast

import docker
import docker.errors
import pytest
import requests.exceptions

from runner.engine.docker_engine import DockerEngine
from runner.errors import HostNotReadyError

LIMIT = 1000
USED = {"memory_stats": {"limit": LIMIT, "usage": 300}}
RUNNING = {"HostConfig": {"Memory": LIMIT}, "State": {"Running": True}}
ENDED = {"HostConfig": {"Memory": LIMIT}, "State": {"Running": False}}
GONE = docker.errors.NotFound("no such container")
STOPPED = requests.exceptions.ConnectionError("connection refused")


class Api:
    """Docker's API of an engine with one container; an exception is raised in place of an answer."""

    def __init__(self, stats: object, inspected: object = GONE, version: str = "1.43") -> None:
        self.api_version = version
        self.options: dict[str, Any] = {}
        self._stats, self._inspected = stats, inspected

    def version(self) -> dict[str, Any]:
        return {}

    def containers(self, **_options: object) -> list[dict[str, str]]:
        return [{"Id": "a"}]

    def stats(self, _identity: str, **options: object) -> object:
        self.options = options
        if "one_shot" in options and self.api_version == "1.40":
            raise docker.errors.InvalidVersion("one_shot is not supported for API version < 1.41")
        return _answer(self._stats)

    def inspect_container(self, _identity: str) -> object:
        return _answer(self._inspected)


def _answer(answer: object) -> object:
    if isinstance(answer, Exception):
        raise answer
    return answer


def unused(api: Api) -> int:
    return DockerEngine(lambda _seconds: cast("docker.APIClient", api)).unused_memory_bytes()


@pytest.mark.parametrize("version", ["1.40", "1.41", "1.43"])
def test_what_a_container_uses_is_not_counted(version: str) -> None:
    """Under earlier versions of the API too, as Podman's, which cannot measure it once."""
    api = Api(USED, version=version)
    assert unused(api) == LIMIT - 300
    assert ("one_shot" in api.options) == (version != "1.40")


@pytest.mark.parametrize(
    "stats",
    [
        docker.errors.APIError("server error"),
        docker.errors.InvalidVersion("not supported"),
        requests.exceptions.ReadTimeout("slow"),
        {},
        {"memory_stats": {}},
        {"memory_stats": {"limit": None, "usage": 1}},
        {"memory_stats": {"limit": "much", "usage": 1}},
    ],
    ids=repr,
)
def test_without_statistics_the_whole_limit_counts(stats: object) -> None:
    """Nothing is known, so it may use all; one that has ended uses nothing."""
    assert unused(Api(stats, RUNNING)) == LIMIT
    assert unused(Api(stats, ENDED)) == 0
    assert unused(Api(stats, GONE)) == 0


def test_a_container_that_is_gone_uses_nothing() -> None:
    """It ended after it was listed."""
    assert unused(Api(GONE, RUNNING)) == 0


def test_an_engine_that_stops_in_between_does_not_answer() -> None:
    """In one sentence, not as an engine without containers."""
    with pytest.raises(HostNotReadyError, match="does not answer"):
        unused(Api(STOPPED, STOPPED))


def test_what_the_control_group_shows_is_taken_without_asking_for_statistics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They take a second each. Where the group cannot be read any more, they are asked for after all."""
    uses = iter([400, 1200, None])
    group = object()
    monkeypatch.setattr(
        "runner.engine.docker_engine.control_group",
        lambda *of: group if of == ("a", 7, "memory") else None,
    )
    monkeypatch.setattr("runner.engine.docker_engine.memory_bytes", lambda _group: next(uses))
    facts = {"HostConfig": {"Memory": LIMIT}, "State": {"Running": True, "Pid": 7}}
    slow = AssertionError("statistics were asked for")
    assert [unused(Api(slow, facts)) for _look in range(2)] == [LIMIT - 400, 0]
    assert unused(Api(USED, facts)) == LIMIT - 300
    another = {"HostConfig": {"Memory": LIMIT}, "State": {"Running": True, "Pid": 8}}
    assert unused(Api(USED, another)) == LIMIT - 300
