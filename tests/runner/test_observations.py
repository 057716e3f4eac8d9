"""The verdict is true of real observations, on every engine on which they were captured.

`tests/containers/capture_observations.py` writes the record; the expected verdicts are listed here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.verdict import Observation, RunError, Verdict, judge
from tests.support.paths import RUNNER_GOLDEN

RECORD: list[dict[str, Any]] = json.loads((RUNNER_GOLDEN / "observations.json").read_text())

TRUTH: dict[str, set[str]] = {
    "fine": {"ok"},
    "raises": {"crashed"},
    "leaves": {"crashed"},
    "exits": {"crashed"},
    "kills_itself": {"crashed"},
    "segfaults": {"crashed"},
    "aborts": {"crashed"},
    "not_finite": {"bad-checkpoint"},
    "other_shape": {"bad-checkpoint"},
    "huge": {"output-limit"},
    "garbage": {"protocol"},
    "loops": {"time-limit"},
    "ignores_signals": {"time-limit"},
    "blocks_in_c": {"time-limit"},
    "eats_memory": {"memory-limit"},
    # gVisor's memory killer ends the whole container, the healthy processes included.
    "child_eats_memory": {"memory-limit"},
    "child_eats_memory_and_it_leaves": {"memory-limit"},
    "child_eats_memory_and_all_is_well": {"ok"},
    "allocates_too_much": {"memory-limit"},
    "fills_scratch": {"output-limit"},
    "fork_bomb": {"time-limit"},
    "thread_bomb": {"time-limit"},
}
GVISOR: dict[str, set[str]] = {
    "child_eats_memory_and_all_is_well": {"memory-limit"},
    # Its kernel panics without processes (2022), or takes host memory for each (2024), or neither.
    "fork_bomb": {"time-limit", "crashed", "memory-limit"},
}


def observation(row: dict[str, Any]) -> Observation:
    """Return the observation in a row of the record."""
    fields = {"host_seconds": 0.0, "wall_limit_seconds": 0.0, **row["seen"]}
    if fields.get("error"):
        fields["error"] = RunError(**fields["error"])
    return Observation(**fields)


def name(row: dict[str, Any]) -> str:
    """Return a test's name: what happened, and where it was captured."""
    source = row["source"]
    return f"{row['what']}-{source['runtime']}-{source['runtime_version']}-cgroup{source['cgroup']}"


@pytest.mark.parametrize("row", RECORD, ids=name)
def test_verdict_on_real_observations(row: dict[str, Any]) -> None:
    """Each real ending has the verdict of a person who knows what happened."""
    truth = {**TRUTH, **(GVISOR if row["source"]["runtime"] == "runsc" else {})}
    assert judge(observation(row)).verdict in truth[row["what"]]


SOURCES = sorted({tuple(row["source"].items()) for row in RECORD})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: "-".join(value for _key, value in source))
def test_the_record_is_complete(source: tuple[tuple[str, str], ...]) -> None:
    """Every ending was captured on each host and under each runtime, the misleading ones included."""
    rows = [row["what"] for row in RECORD if row["source"] == dict(source)]
    assert sorted(rows) == sorted(TRUTH)


def test_both_versions_of_control_groups_were_captured() -> None:
    """Docker's runtime was captured under either, crun where it works at all, and two versions of gVisor."""
    sources = {(row["source"]["runtime"], row["source"]["cgroup"]) for row in RECORD}
    assert sources >= {("runc", "1"), ("runsc", "1"), ("runc", "2"), ("crun", "2")}


def test_misleading_signals_were_captured() -> None:
    """A run that was killed for time, and a memory kill that leaves exit code 0, look like something else."""
    late = [row["seen"] for row in RECORD if row["what"] == "loops" and row["source"]["runtime"] == "runc"]
    assert all(fields["exit_code"] == -9 and "oom_kills" not in fields for fields in late)
    memory_kills = [
        row["seen"]
        for row in RECORD
        if row["what"] == "child_eats_memory_and_it_leaves" and row["source"]["runtime"] == "runc"
    ]
    assert memory_kills
    assert all(fields["oom_kills"] > 0 and "exit_code" not in fields for fields in memory_kills)
    assert {Verdict(row["verdict"]) for row in RECORD} >= {
        Verdict.OK,
        Verdict.TIME_LIMIT,
        Verdict.MEMORY_LIMIT,
    }
