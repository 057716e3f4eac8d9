"""Progress is counted in steps of networks, in every process, and never jumps by what a snapshot holds."""

from __future__ import annotations

import multiprocessing

from sandbox.protocol.presets import Preset
from sandbox.trainer.step_count import StepCount, steps_per_epoch
from tests.support.clock import Clock

PRESET = Preset(epochs=3, batch_size=32, learning_rate=0.1, momentum=0.9, weight_decay=0.0)


def test_steps_of_forked_processes_are_counted() -> None:
    """The process that forked them reports; they do not, since the stream is not theirs."""
    reports: list[tuple[int, int]] = []
    count = StepCount(100, lambda done, due: reports.append((done, due)))

    def work() -> None:
        silent = count.silent()
        silent.skip(10)
        for _ in range(20):
            silent.advance(2)
            silent.report_if_due()
        assert reports == []

    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    count.report()
    assert reports == [(80, 80)]
    assert count.taken == 80


def test_reports_are_a_second_apart() -> None:
    """However fast the steps are; a report on request is sent at once."""
    clock, reports = Clock(50.0), list[tuple[int, int]]()
    count = StepCount(9, lambda done, due: reports.append((done, due)), clock=clock)
    for now in (50.0, 50.4, 50.9, 51.0, 51.2):
        clock.now = now
        count.advance(1)
        count.report_if_due()
    assert reports == [(1, 9), (4, 9)]
    count.report()
    count.report()
    assert reports == [(1, 9), (4, 9), (5, 9)]


def test_the_last_batch_counts() -> None:
    """An epoch of 65 examples in batches of 32 has three."""
    assert [steps_per_epoch(examples, PRESET) for examples in (1, 32, 33, 65)] == [1, 1, 2, 3]
