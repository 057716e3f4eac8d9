"""Are hosts judged for what they are? Over facts of one captured host and of hosts made from it by hand.

Each file of `golden/facts` names the host it is like, the facts that differ (the engine's
words are merged, everything else is replaced), the purpose, and what is to be found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.builder.plan import default_limits
from runner.doctor import findings
from runner.doctor.checks import CHECKS, examine
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status
from tests.support.paths import RUNNER_GOLDEN

HOSTS = sorted((RUNNER_GOLDEN / "facts").glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    host: dict[str, Any] = json.loads(file.read_text())
    if "like" not in host:
        return host
    base = read(file.with_name(host["like"] + ".json"))
    changed = host.get("facts", {})
    facts = {**base["facts"], **changed}
    for name in ("info", "version", "programs"):
        facts[name] = {**base["facts"][name], **changed.get(name, {})}
    return {
        **host,
        "facts": facts,
        "expect": {**base["expect"], **host.get("expect", {})},
        "lost": host.get("lost", base["lost"]),
    }


def purpose(host: Mapping[str, Any]) -> Purpose:
    said = host.get("purpose", {})
    limits = default_limits("digits").model_copy(update=said.get("limits", {}))
    return Purpose(limits=limits, runtime=said.get("runtime"))


def found_on(name: str) -> dict[str, Finding]:
    host = read(next(file for file in HOSTS if file.stem == name))
    return {one.id: one for one in examine(Facts(**host["facts"]), purpose(host))}


@pytest.mark.parametrize("file", HOSTS, ids=lambda file: file.stem)
def test_each_host_gets_its_findings(file: Path) -> None:
    """Every status and every guarantee that is missing is as its file says; no check is left out of it."""
    host = read(file)
    found = examine(Facts(**host["facts"]), purpose(host))
    assert {one.id: one.status.value for one in found} == {
        name: status for name, status in host["expect"].items() if status is not None
    }
    assert [clause for clause in findings.lost_guarantees(found)] == host["lost"]
    said = json.dumps([findings.findings_json(found)])
    for words in host.get("says", []):
        assert words in said


@pytest.mark.parametrize("file", HOSTS, ids=lambda file: file.stem)
def test_whoever_is_warned_is_told_what_to_do(file: Path) -> None:
    """A finding that is not ok has advice, and a guarantee is missing only beside such advice."""
    host = read(file)
    for one in examine(Facts(**host["facts"]), purpose(host)):
        if one.status is not Status.OK and "cannot be told" not in one.found:
            assert one.advice, one.id
        if one.lost:
            assert one.lost.startswith("that "), one.id
            assert one.advice, one.id


def test_no_engine_is_a_finding_like_others() -> None:
    """It is broken, says why, and leaves only what can be told without one."""
    found = examine(Facts(engine_problem="No container engine answers.", store="kept"), purpose({}))
    assert [(one.id, one.status) for one in found] == [("engine", Status.BROKEN), ("store", Status.OK)]
    assert found[0].found == "No container engine answers."
    assert not findings.findings_json(found)["ready"]


def test_an_engine_that_says_nothing_promises_nothing() -> None:
    """Answers without content raise nothing, and what cannot be seen to hold is not said to hold."""
    found = {one.id: one.status for one in examine(Facts(), purpose({}))}
    assert found["limits"] is Status.BROKEN
    assert found["seccomp"] is Status.BROKEN
    assert found["swap"] is Status.WARNING
    assert found["gvisor"] is Status.WARNING


def test_findings_have_one_name_each() -> None:
    """A captured host is looked at by every check, each under a name of its own."""
    host = read(next(file for file in HOSTS if file.stem == "debian-12"))
    names = [one.id for one in examine(Facts(**host["facts"]), purpose(host))]
    assert len(names) == len(set(names)) == len(CHECKS)


def test_warnings_do_not_make_a_host_unfit() -> None:
    """Only what is broken does."""
    host = found_on("debian-12")
    assert any(one.status is Status.WARNING for one in host.values())
    assert findings.findings_json(host.values())["ready"]
    assert not findings.findings_json(found_on("no-seccomp").values())["ready"]


def test_a_second_kernel_counts_only_where_it_is_used() -> None:
    """gVisor that is registered but not chosen gives no guarantee."""
    assert found_on("debian-12")["gvisor"].lost
    assert not found_on("gvisor-new-and-chosen")["gvisor"].lost
