"""A stored score card is read back, and trusted only if it is the one that the manifest names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from runner.results.card_file import read_card
from runner.results.manifest import ManifestError, parse_manifest
from runner.results.scoring import score_runs
from runner.results.summary import Summary
from runner.store.records import RetrainingRecord
from scoring.card.card import ScoreCard
from tests.support.ended_evaluation import (
    Ended,
    change,
)


def test_a_manifest_of_version_1_is_read_and_verified(ended: Ended) -> None:
    """Such a manifest names no score card and has fewer fields of a run."""
    manifest = json.loads(ended.paths.manifest.read_text())
    manifest["schema_version"] = 1
    del manifest["card_sha256"]
    for run in manifest["runs"]:
        del run["exception_type"], run["evaluated"]
    summary = json.loads(ended.paths.summary.read_text())
    del summary["schema_version"]
    ended.paths.summary.write_text(json.dumps(summary))
    manifest["summary_sha256"] = hashlib.sha256(ended.paths.summary.read_bytes()).hexdigest()
    text = json.dumps(manifest).encode()
    ended.paths.manifest.write_bytes(text)
    ended.paths.card.unlink()
    ended.store.finish(ended.name, summary, manifest_sha256=hashlib.sha256(text).hexdigest())
    assert ended.mismatches() == []
    assert parse_manifest(text).runs == [
        replace(run, exception_type="") for run in ended.store.runs(ended.name)
    ]
    assert Summary.from_json(summary).score == ended.summary.score


@pytest.mark.parametrize("version", [2, 3])
def test_a_manifest_without_the_machines_of_runs_is_verified(ended: Ended, version: int) -> None:
    """Versions before 4 recorded none, and nor did the stores of their time."""
    manifest = json.loads(ended.paths.manifest.read_text())
    assert manifest["schema_version"] == 4
    manifest["schema_version"] = version
    for run in manifest["runs"]:
        del run["node"], run["device_class"]
    text = json.dumps(manifest).encode()
    ended.paths.manifest.write_bytes(text)
    summary = json.loads(ended.paths.summary.read_text())
    ended.store.finish(ended.name, summary, manifest_sha256=hashlib.sha256(text).hexdigest())
    ended.sql("UPDATE runs SET node = NULL, device_class = NULL")
    assert ended.mismatches() == []


def test_a_manifest_of_a_later_version_is_told_by_its_version(ended: Ended) -> None:
    """And not by a field that this version does not know."""
    manifest = json.loads(ended.paths.manifest.read_text())
    manifest["schema_version"] = 5
    manifest["runs"][0]["later"] = 1
    with pytest.raises(ManifestError, match=r"^schema_version: "):
        parse_manifest(json.dumps(manifest).encode())


def test_the_stored_card_equals_the_computed_one(ended: Ended) -> None:
    """A card that was changed, or that another manifest names, is not returned."""
    recorded = ended.store.evaluation(ended.name).manifest_sha256
    stored = read_card(ended.paths, recorded)
    computed = score_runs(
        ended.challenge, ended.store.runs(ended.name), ended.paths.outputs, RetrainingRecord()
    )
    assert isinstance(computed, ScoreCard)
    assert stored is not None
    assert stored.to_json() == computed.to_json()
    assert read_card(ended.paths, "0" * 64) is None
    change(ended.paths.card)
    assert read_card(ended.paths, recorded) is None
