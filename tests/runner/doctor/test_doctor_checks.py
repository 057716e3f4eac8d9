"""Doctor's findings over the facts of one captured host, and of hosts that differ from it by hand.

Each file of `golden/facts` names the host that it is like, the facts that differ (the engine's answers are
merged, all other facts are replaced), the purpose, and the expected findings.
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
    changes = host.get("purpose", {})
    limits = default_limits("digits").model_copy(update=changes.get("limits", {}))
    return Purpose(limits=limits, runtime=changes.get("runtime"))


def findings_on(name: str) -> dict[str, Finding]:
    host = read(next(file for file in HOSTS if file.stem == name))
    return {finding.id: finding for finding in examine(Facts(**host["facts"]), purpose(host))}


@pytest.mark.parametrize("file", HOSTS, ids=lambda file: file.stem)
def test_each_host_gets_its_findings(file: Path) -> None:
    """Every status and every missing guarantee equals the file's; the file omits no check."""
    host = read(file)
    result = examine(Facts(**host["facts"]), purpose(host))
    assert {finding.id: finding.status.value for finding in result} == {
        name: status for name, status in host["expect"].items() if status is not None
    }
    assert list(findings.lost_guarantees(result)) == host["lost"]
    text = json.dumps([findings.findings_json(result)])
    for words in host.get("says", []):
        assert words in text


@pytest.mark.parametrize("file", HOSTS, ids=lambda file: file.stem)
def test_every_warning_has_advice(file: Path) -> None:
    """A finding that is not ok has advice, and a lost guarantee comes with advice."""
    host = read(file)
    for finding in examine(Facts(**host["facts"]), purpose(host)):
        if finding.status is not Status.OK and "unknown" not in finding.observation:
            assert finding.advice, finding.id
        if finding.lost_guarantee:
            assert finding.lost_guarantee.startswith("that "), finding.id
            assert finding.advice, finding.id


def test_no_engine_is_a_finding_like_others() -> None:
    """It is broken with the reason, and only checks that need no engine remain."""
    result = examine(Facts(engine_problem="No container engine answers.", store="store"), purpose({}))
    assert [(finding.id, finding.status) for finding in result] == [
        ("engine", Status.BROKEN),
        ("store", Status.OK),
    ]
    assert result[0].observation == "No container engine answers."
    assert not findings.findings_json(result)["ready"]


def test_empty_answers_of_an_engine_give_no_guarantee() -> None:
    """Answers without content raise no error, and an unconfirmed guarantee is not given."""
    statuses = {finding.id: finding.status for finding in examine(Facts(), purpose({}))}
    assert statuses["limits"] is Status.BROKEN
    assert statuses["seccomp"] is Status.BROKEN
    assert statuses["swap"] is Status.WARNING
    assert statuses["gvisor"] is Status.WARNING


def test_findings_have_distinct_names() -> None:
    """Every check examines a captured host, each under its own name."""
    host = read(next(file for file in HOSTS if file.stem == "debian-12"))
    names = [finding.id for finding in examine(Facts(**host["facts"]), purpose(host))]
    assert len(names) == len(set(names)) == len(CHECKS)


def test_warnings_do_not_make_a_host_unfit() -> None:
    """Only broken findings do."""
    host = findings_on("debian-12")
    assert any(finding.status is Status.WARNING for finding in host.values())
    assert findings.findings_json(host.values())["ready"]
    assert not findings.findings_json(findings_on("no-seccomp").values())["ready"]


def test_a_second_kernel_counts_only_if_it_is_chosen() -> None:
    """gVisor that is registered but not chosen gives no guarantee."""
    assert findings_on("debian-12")["gvisor"].lost_guarantee
    assert not findings_on("gvisor-new-and-chosen")["gvisor"].lost_guarantee


def test_json_keeps_its_keys() -> None:
    """Programs read `doctor --json`: the names of its fields are fixed."""
    finding = Finding(
        id="x", title="X", status=Status.WARNING, observation="o", advice="a", lost_guarantee="that l"
    )
    assert findings.findings_json([finding]) == {
        "ready": True,
        "findings": [
            {"id": "x", "title": "X", "status": "warning", "found": "o", "advice": "a", "lost": "that l"}
        ],
        "guarantees_not_given": ["that l"],
    }
