"""docs/json.md has every field of what ``--json`` prints, and no other."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from runner.cli.console import print_json
from runner.doctor.findings import findings_json
from runner.gallery.report import gallery_json
from runner.gallery.run import GalleryReport
from runner.reports.evaluations import evaluation_json
from runner.reports.scores import summary_json
from runner.reports.views.model import EvaluationView, FailureView
from runner.results.summary import Summary
from runner.store.records import RunRecord
from tests.runner.reports.test_entries import entry, result
from tests.runner.reports.test_tables import ROWS
from tests.support.command import unlearn
from tests.support.paths import ROOT, TEST_DATA
from tests.support.records import summary_of

ENDED = "628abf2578c0"
DATA = TEST_DATA / "stored-version-1"


def documented(heading: str) -> set[str]:
    """Return the fields in the first column of a section's table."""
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_0-9]+)`", cell)}


def test_records() -> None:
    """Summaries, entries, results, rows of the list and runs."""
    extra = summary_json(summary_of()).keys()
    assert documented("Summary") == {*Summary.model_fields, *extra}
    assert documented("Entry") == entry(1, "a").to_json().keys()
    assert documented("Result") == result("a").to_json().keys()
    assert documented("Listed evaluation") == {*evaluation_json(ROWS[0]), "entries"}
    assert documented("Run") == {field.name for field in fields(RunRecord)}


def test_the_host() -> None:
    """What doctor and the gallery say."""
    assert documented("Host") == findings_json([]).keys()
    assert documented("Gallery") == gallery_json(GalleryReport(results=(), leftovers=())).keys()


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Shown evaluation", ("show", ENDED)),
        ("Report", ("report", ENDED)),
        ("Verification", ("verify", ENDED, "--challenge", DATA / "challenge")),
    ],
)
def test_commands(heading: str, words: tuple[object, ...], tmp_path: Path) -> None:
    """As they are typed; each object has its version."""
    store = shutil.copytree(DATA / "store", tmp_path / "store")
    printed = json.loads(unlearn(*words, "--store", store, "--json").stdout)
    assert printed["schema_version"] == 1
    assert documented(heading) | {"schema_version"} == printed.keys()


def test_a_check() -> None:
    """docs/ci.md lists its fields, and those of a failure."""
    (row,) = re.findall(
        r"^\| `--json` \| (.*) \|$", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"`([a-z_]+)`", row)) == {*EvaluationView.model_fields, *FailureView.model_fields}


def test_a_challenge() -> None:
    """Its description's fields are those of challenge.toml."""
    printed = json.loads(unlearn("challenge", "show", DATA / "challenge", "--json").stdout)
    assert documented("Challenge") <= printed.keys()


def test_each_object_has_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own, or that of what is printed."""
    print_json({"ready": True})
    print_json({"a": 1, "schema_version": 2})
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["schema_version"] for line in lines] == [1, 2]
