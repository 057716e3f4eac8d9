"""`unlearn doctor` on this host: it examines the engine, and runs attacks of the gallery here."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from runner.builder.plan import default_limits
from runner.doctor.attacks import QUICK, attack_findings
from runner.doctor.facts import Purpose
from runner.doctor.findings import Status
from runner.doctor.gallery import run_quick_attacks
from runner.doctor.gather import gather_facts
from runner.engine.api import Engine
from runner.gallery.attacks import HOSTILE
from runner.image.image import Image
from runner.progress import NullReporter
from tests.support.command import type_command


@pytest.mark.container
def test_attacks_are_contained_on_this_host(engine: Engine, built_image: Image, tmp_path: Path) -> None:
    """Doctor builds its challenge and runs an attack, with a finding for it and one for the host.

    One of its twelve is enough here: all of them run in the gallery's own tests.
    """
    facts = gather_facts(engine, "", tmp_path)
    assert facts.image == built_image.tag
    purpose = Purpose(limits=default_limits("digits"))
    run = partial(run_quick_attacks, facts, purpose, NullReporter(), names=["state_in_files"])
    findings = attack_findings(run)
    assert [finding.id for finding in findings] == ["attack/state_in_files", "attack/left-on-host"]
    assert [finding for finding in findings if finding.status not in (Status.OK, Status.WARNING)] == []


def test_the_attacks_that_doctor_runs_are_in_the_gallery() -> None:
    """Each name is a folder of the gallery: doctor would leave out one that is not."""
    assert [name for name in QUICK if not (HOSTILE / name).is_dir()] == []


@pytest.mark.container
def test_the_command_shows_the_image_and_agrees_with_its_exit_code(
    built_image: Image, tmp_path: Path
) -> None:
    """As JSON, for this host: exit code 0 if it is ready, else 3."""
    ended = type_command("doctor", "--no-attacks", "--json", cwd=tmp_path)
    report = json.loads(ended.stdout)
    findings = {finding["id"]: finding for finding in report["findings"]}
    assert findings["image"]["found"] == built_image.tag
    assert ended.returncode == (0 if report["ready"] else 3)
