"""A container that stood still is told from one whose run keeps the supervisor from its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.worker.stillness import (
    StillnessDetector,
    container_cpu_seconds,
    container_share,
    container_waiting_seconds,
)


class Machine:
    """A clock, and a counter of processor time that the test moves."""

    def __init__(self, *, counts: bool = True) -> None:
        self.now, self.cpu, self._counts = 1000.0, 50.0, counts
        self.waiting: float | None = 7.0

    def clock(self) -> float:
        return self.now

    def cpu_seconds(self) -> float | None:
        return self.cpu if self._counts else None

    def detector(self, share: float = 4.0) -> StillnessDetector:
        return StillnessDetector(self.clock, self.cpu_seconds, lambda: self.waiting, share)

    def let_pass(self, seconds: float, *, cpu: float) -> None:
        self.now += seconds
        self.cpu += cpu


@pytest.mark.parametrize(
    ("seconds", "cpu", "frozen"),
    [
        (0.3, 0.0, 0.0),  # an ordinary tick of a container that sleeps
        (0.9, 0.0, 0.0),  # a busy machine
        (20.0, 0.001, 20.0),  # paused
        (2.0, 0.0, 2.0),  # frozen by its control group, or the virtual machine stopped
        (2.0, 1.9, 0.0),  # a run that spins on one core
        (8.0, 16.0, 0.0),  # a fork bomb on two
        (8.0, 1.7, 0.0),  # a run that thrashes its memory
    ],
)
def test_only_a_gap_without_work_is_standstill(seconds: float, cpu: float, frozen: float) -> None:
    """By the processor time that the whole container used meanwhile."""
    machine = Machine()
    detector = machine.detector()
    machine.let_pass(seconds, cpu=cpu)
    assert detector.frozen_seconds() == pytest.approx(frozen)
    machine.let_pass(0.2, cpu=0.0)
    assert detector.frozen_seconds() == 0.0, "a gap counts once"


@pytest.mark.parametrize(
    ("waited", "frozen"),
    [
        (2.6, 0.0),  # a run has used more than its share of the processors, and all of the container waits
        (0.3, 3.0),  # it also waited a little, before it was paused
        (None, 3.0),  # under control groups 1 nobody can tell
    ],
)
def test_waiting_for_ones_share_is_no_standstill(waited: float | None, frozen: float) -> None:
    """A run could bring that about, and would be attempted again for it."""
    machine = Machine()
    if waited is None:
        machine.waiting = None
    detector = machine.detector()
    machine.let_pass(3.0, cpu=0.1)
    if waited is not None and machine.waiting is not None:
        machine.waiting += waited
    assert detector.frozen_seconds() == pytest.approx(frozen)


@pytest.mark.parametrize(
    ("share", "cpu", "frozen"),
    [
        (
            0.125,
            0.9,
            0.0,
        ),  # a long system call of 0.9 s, after which the container waited until that was paid
        (0.05, 0.35, 0.0),
        (0.5, 3.6, 0.0),
        (0.125, 0.03, 7.0),  # paused: what it had used of its share before is little
        (4.0, 0.9, 7.0),
    ],
)
def test_a_container_that_used_its_share_did_not_stand_still(share: float, cpu: float, frozen: float) -> None:
    """Under control groups 1, where nobody tells that it waited, and however small its share is."""
    machine = Machine()
    machine.waiting = None
    detector = machine.detector(share)
    machine.let_pass(7.0, cpu=cpu)
    assert detector.frozen_seconds() == pytest.approx(frozen)


@pytest.mark.parametrize(
    ("name", "files", "share"),
    [
        ("cpu.max", {"cpu.max": "12500 100000\n"}, 0.125),
        ("cpu.max", {"cpu.max": "max 100000\n"}, None),
        ("cpu.cfs_quota_us", {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "100000\n"}, 1.5),
        ("cpu.cfs_quota_us", {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
        ("cpu.cfs_quota_us", {"cpu.cfs_quota_us": "150000\n"}, None),
        ("cpu.max", {"cpu.max": ""}, None),
    ],
)
def test_share_of_both_versions_of_control_groups(
    tmp_path: Path, name: str, files: dict[str, str], share: float | None
) -> None:
    """None without a limit, and where a file is missing."""
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    assert container_share((tmp_path / "missing", tmp_path / name)) == share


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("usage_usec 9\nnr_throttled 3\nthrottled_usec 1500000\n", 1.5), ("usage_usec 9\n", None), ("", None)],
)
def test_waiting_time_of_control_groups_2(tmp_path: Path, text: str, seconds: float | None) -> None:
    """Where the counter is."""
    (tmp_path / "cpu.stat").write_text(text)
    assert container_waiting_seconds(tmp_path / "cpu.stat") == seconds
    assert container_waiting_seconds(tmp_path / "missing") is None


def test_time_before_the_start_does_not_count() -> None:
    """A supervisor without a run has nothing to wake for."""
    machine = Machine()
    detector = machine.detector()
    machine.let_pass(600.0, cpu=0.0)
    detector.start()
    machine.let_pass(0.2, cpu=0.0)
    assert detector.frozen_seconds() == 0.0


@pytest.mark.parametrize(("seconds", "frozen"), [(4.0, 0.0), (6.0, 6.0)])
def test_without_a_counter_only_long_gaps_count(seconds: float, frozen: float) -> None:
    """As under gVisor."""
    machine = Machine(counts=False)
    detector = machine.detector()
    machine.let_pass(seconds, cpu=0.0)
    assert detector.frozen_seconds() == frozen


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2500000000\n", 2.5),
        ("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 0\n", 2.5),
        ("nonsense\n", None),
        ("", None),
    ],
    ids=["v1", "v2", "other", "empty"],
)
def test_processor_time_of_both_versions_of_control_groups(
    tmp_path: Path, text: str, seconds: float | None
) -> None:
    """The first counter that exists decides."""
    (tmp_path / "counter").write_text(text)
    assert container_cpu_seconds((tmp_path / "missing", tmp_path / "counter")) == seconds
