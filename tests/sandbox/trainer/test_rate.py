"""The rate of a training is free of its start, and never absurd: by it a way of training is chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.trainer.rate import steps_per_second


def training(*, epoch: float, recording: float = 0.0, loading: float = 0.0) -> Callable[[int], float]:
    """Return a training whose first call loads kernels, and each of whose calls records its step."""
    waiting = [loading]

    def seconds_of(epochs: int) -> float:
        return (waiting.pop() if waiting else 0.0) + recording + epochs * epoch

    return seconds_of


@pytest.mark.parametrize("loading", [0.0, 3.0, 60.0])
@pytest.mark.parametrize("recording", [0.0, 0.5])
def test_only_steps_count(loading: float, recording: float) -> None:
    """Neither what is loaded at first nor recording changes the rate."""
    rate = steps_per_second(training(epoch=0.1, recording=recording, loading=loading), 30)
    assert rate == pytest.approx(300.0)


def test_a_hiccup_gives_no_absurd_rate() -> None:
    """Where the longer training took no longer, by chance, the rate is bounded by what it took."""
    seconds = iter([1.0, 5.0, 4.0, 3.0])
    assert steps_per_second(lambda _epochs: next(seconds), 30) == pytest.approx(2 * 30 / (3.0 / 20))


def test_one_slow_training_of_two_does_not_count() -> None:
    """The shorter training is made twice."""
    seconds = iter([9.0, 2.5, 1.0, 3.0])
    assert steps_per_second(lambda _epochs: next(seconds), 30) == pytest.approx(30.0)
