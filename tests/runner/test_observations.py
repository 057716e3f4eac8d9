"""Does the verdict tell the truth about what was really observed, on the engines it was captured on?

`tests/containers/capture_observations.py` makes the record; the expected verdicts stand here.
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
    # gVisor's killer takes the whole container, so nobody is left to be well.
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
    # Its kernel panics without processes (2022), or takes memory of the host's for each (2024), or neither.
    "fork_bomb": {"time-limit", "crashed", "memory-limit"},
}


def observation(row: dict[str, Any]) -> Observation:
    seen = {"host_seconds": 0.0, "wall_limit_seconds": 0.0, **row["seen"]}
    if seen.get("error"):
        seen["error"] = RunError(**seen["error"])
    return Observation(**seen)


def name(row: dict[str, Any]) -> str:
    source = row["source"]
    return f"{row['what']}-{source['runtime']}-{source['runtime_version']}-cgroup{source['cgroup']}"


@pytest.mark.parametrize("row", RECORD, ids=name)
def test_verdict_on_what_was_observed(row: dict[str, Any]) -> None:
    """Each real ending has the verdict that a person who knows what happened would give."""
    truth = {**TRUTH, **(GVISOR if row["source"]["runtime"] == "runsc" else {})}
    assert judge(observation(row)).verdict in truth[row["what"]]


SOURCES = sorted({tuple(row["source"].items()) for row in RECORD})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: "-".join(value for _key, value in source))
def test_the_record_is_complete(source: tuple[tuple[str, str], ...]) -> None:
    """Every ending was captured on each host and under each runtime, the lying ones among them."""
    rows = [row["what"] for row in RECORD if row["source"] == dict(source)]
    assert sorted(rows) == sorted(TRUTH)


def test_both_versions_of_control_groups_were_captured() -> None:
    """With Docker's own runtime under either, with crun where it works at all, and with two gVisors."""
    seen = {(row["source"]["runtime"], row["source"]["cgroup"]) for row in RECORD}
    assert seen >= {("runc", "1"), ("runsc", "1"), ("runc", "2"), ("crun", "2")}


def test_signals_that_lie_were_captured() -> None:
    """A run that was killed for time, and a memory kill that leaves exit code 0, look like something else."""
    late = [row["seen"] for row in RECORD if row["what"] == "loops" and row["source"]["runtime"] == "runc"]
    assert all(seen["exit_code"] == -9 and "oom_kills" not in seen for seen in late)
    left = [
        row["seen"]
        for row in RECORD
        if row["what"] == "child_eats_memory_and_it_leaves" and row["source"]["runtime"] == "runc"
    ]
    assert left
    assert all(seen["oom_kills"] > 0 and "exit_code" not in seen for seen in left)
    assert {Verdict(row["verdict"]) for row in RECORD} >= {
        Verdict.OK,
        Verdict.TIME_LIMIT,
        Verdict.MEMORY_LIMIT,
    }
