"""The summary is a versioned value: its schema is recorded, and earlier summaries are read.

After an intended change, write the record again and show it in the diff::

    .venv/bin/python -m tests.runner.results.test_summary
"""

from __future__ import annotations

import json

import pytest

from runner.errors import HostNotReadyError
from runner.results.summary import Summary
from tests.support.paths import RUNNER_GOLDEN
from tests.support.records import summary_of

GOLDEN = RUNNER_GOLDEN / "summary_schema.json"
EARLIER = {
    "evaluation": "9301a5bc64a4",
    "submission": "finetune",
    "challenge": "digits",
    "n": 64,
    "verdicts": {"ok": 64},
    "score": 0.0044,
    "forgetting_quality": 0.0044,
    "retain_ratio": 1.0,
    "test_ratio": 0.9916,
    "epsilon_mean": 7.7,
    "seconds": 20.1,
    "run_seconds_median": 0.19,
    "warnings": [],
    "retain_ratio_clipped": 1.0,
    "test_ratio_clipped": 0.9916,
    "score_clipped": 0.0044,
    "score_low": 0.0039,
    "score_high": 0.0049,
    "ceiling": 0.2,
    "share_of_ceiling": 0.02,
    "flags": ["joint-attack"],
    "flag_sentences": ["Taken whole, they differ."],
}
"""A summary as stored by versions before the field ``schema_version``."""


def schema() -> str:
    return json.dumps(Summary.model_json_schema(), indent=2, sort_keys=True) + "\n"


def test_the_schema_equals_the_golden_record() -> None:
    """Whoever changes a field shows it in the diff."""
    assert schema() == GOLDEN.read_text(), (
        "the summary's schema has changed; if that is intended, see the top of this file"
    )


def test_an_earlier_summary_is_read_and_not_changed() -> None:
    """No key is added when it is printed again."""
    assert Summary.from_json(EARLIER).to_json() == EARLIER


def test_a_new_summary_names_its_version() -> None:
    """It also round-trips through JSON."""
    summary = summary_of(schema_version=1, score=0.5)
    assert json.loads(summary.to_bytes())["schema_version"] == 1
    assert Summary.from_json(json.loads(summary.to_bytes())) == summary


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"later": 1}, {"n": "many"}, {"verdicts": None}, {"score": {}}]
)
def test_an_invalid_summary_is_one_sentence(change: dict[str, object]) -> None:
    """A later version or a damaged database raises HostNotReadyError."""
    with pytest.raises(HostNotReadyError, match="stored summary cannot be read"):
        Summary.from_json({**EARLIER, **change})


def test_a_score_or_a_withheld_score_is_success() -> None:
    """A challenge without references cannot give a score, so its absence is no failure."""
    assert summary_of(score=0.0).is_successful
    assert summary_of(score_withheld=True).is_successful
    assert not summary_of(reason="run 0 ended as crashed").is_successful


if __name__ == "__main__":
    GOLDEN.write_text(schema())
