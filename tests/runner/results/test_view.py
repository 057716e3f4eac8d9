"""The view of a stored summary without pydantic reads what `Summary` reads, or leaves it to `Summary`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.results import view
from runner.results.summary import Summary
from runner.results.view import listed_summary
from tests.runner.results.test_summary import EARLIER
from tests.support.paths import TEST_DATA
from tests.support.records import summary_of

STORED = json.loads((TEST_DATA / "stored-version-1" / "store" / "628abf2578c0" / "summary.json").read_text())
READ = [
    STORED,
    EARLIER,
    summary_of(schema_version=1, score=0.5, score_low=0.25, score_high=1, n=64).to_json(),
    summary_of(score=0.0, n=4, flags=["certified"], flag_sentences=["On 1 of 2."]).to_json(),
    summary_of(reason="run 0 ended as crashed", verdicts={"crashed": 1, "ok": 2}).to_json(),
    summary_of(score_withheld=True, reason="no references", warnings=["odd"]).to_json(),
    summary_of(refused=True, reason="no zip", verdicts={}).to_json(),
]


def test_its_fields_are_those_of_a_summary() -> None:
    """A new field is added in both places."""
    groups = (
        *(view.TEXT_FIELDS, view.NUMBER_FIELDS, view.OPTIONAL_NUMBER_FIELDS, view.LIST_FIELDS),
        *(view.FLAG_FIELDS, view.OTHER_FIELDS),
    )
    assert sorted(name for group in groups for name in group) == sorted(Summary.model_fields)


@pytest.mark.parametrize("stored", READ)
def test_it_equals_the_summary(stored: dict[str, Any]) -> None:
    """In every field that tables show, in its status, and as JSON."""
    listed, summary = listed_summary(stored), Summary.from_json(stored)
    assert listed is not None
    for name in (*Summary.model_fields, "status", "is_smoke_test"):
        if hasattr(listed, name):
            read = getattr(listed, name)
            assert (list(read) if isinstance(read, tuple) else read) == getattr(summary, name), name
    assert listed.to_json() == summary.to_json() == stored


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"later": 1},
        {"n": "many"},
        {"n": True},
        {"verdicts": None},
        {"verdicts": {"ok": "64"}},
        {"score": {}},
        {"warnings": [1]},
        {"flags": "joint-attack"},
        {"refused": 1},
        {"seconds": None},
        {"submission": 7},
        {"reason": []},
    ],
)
def test_what_it_does_not_know_is_left_to_the_summary(change: dict[str, object]) -> None:
    """Which reads it, or says in one sentence why it cannot be read."""
    assert listed_summary({**EARLIER, **change}) is None


@pytest.mark.parametrize("name", ["evaluation", "n", "verdicts", "seconds"])
def test_a_missing_field_is_left_to_the_summary(name: str) -> None:
    """Those without a default."""
    assert listed_summary({key: value for key, value in EARLIER.items() if key != name}) is None
