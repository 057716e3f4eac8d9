"""What `runner.cluster.nodes` uses of Ray, for failures that a real cluster shows too rarely to test them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class RayError(Exception):
    """As Ray's."""


class RayTaskError(RayError):
    """A call failed in its actor; as Ray's."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"ray::call() (pid=1)\n{cause}")
        self.cause = cause


class GetTimeoutError(RayError):
    """There is no answer in time; as Ray's."""


class RayActorError(RayError):
    """An actor is dead; as Ray's."""


class Reference:
    """Of an answer: a value, or an error that is raised when it is taken."""

    def __init__(self, value: object) -> None:
        self.value = value


class Pending(Exception):  # noqa: N818 - no error, a state
    """Stands for an answer that does not come."""


class FakeActor:
    """An actor whose calls are answered by what is given, with the names and arguments of its calls."""

    def __init__(self, **answers: object) -> None:
        self._answers = answers
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def remote(*arguments: object) -> Reference:
            self.calls.append((name, *arguments))
            value = self._answers.get(name)
            return Reference(value(*arguments) if callable(value) else value)

        return SimpleNamespace(remote=remote)


class FakeRay:
    """The library; each class that it wraps gives the actors that `new_actor` makes of it."""

    exceptions = SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, GetTimeoutError=GetTimeoutError
    )

    def __init__(self, new_actor: Callable[[type], FakeActor], nodes: Sequence[str] = ()) -> None:
        self._new_actor, self._nodes = new_actor, nodes
        self.killed: list[FakeActor] = []
        self.options: list[dict[str, Any]] = []
        """With which each actor was started."""

    def nodes(self) -> list[dict[str, Any]]:
        """Return the nodes that are alive, one processor each."""
        return [
            {
                "NodeID": name,
                "NodeManagerHostname": name,
                "NodeManagerAddress": "address",
                "Alive": True,
                "Resources": {"CPU": 1.0},
            }
            for name in self._nodes
        ]

    def remote(self, **_options: object) -> Callable[[type], Any]:
        """Wrap a class."""

        def wrap(wrapped: type) -> Any:
            def options(**options: object) -> Any:
                self.options.append(options)
                return SimpleNamespace(remote=lambda *_arguments: self._new_actor(wrapped))

            return SimpleNamespace(options=options)

        return wrap

    def get(self, reference: Reference, *, timeout: float) -> object:
        """Return an answer, or raise what came in its place; nothing is waited for."""
        assert timeout > 0
        if isinstance(reference.value, Pending):
            raise GetTimeoutError
        if isinstance(reference.value, Exception):
            raise reference.value
        return reference.value

    def wait(
        self, references: list[Reference], *, num_returns: int = 1, timeout: float
    ) -> tuple[list[Reference], list[Reference]]:
        """Return which answers have come; nothing is waited for."""
        assert num_returns <= len(references)
        assert timeout >= 0
        pending = [each for each in references if isinstance(each.value, Pending)]
        return [each for each in references if each not in pending], pending

    def kill(self, actor: FakeActor) -> None:
        """End an actor."""
        self.killed.append(actor)

    def put(self, value: object) -> Reference:
        """Keep a value."""
        return Reference(value)


def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `Nodes` import its class of placements where Ray is not installed."""
    strategies: Any = ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda **_arguments: None
    for name in ("ray", "ray.util"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, strategies.__name__, strategies)
