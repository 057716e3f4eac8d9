"""Is a measured retrain time found again under the same circumstances, and under no others?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.placement import Placement
from runner.errors import ConfigurationError
from runner.store.records import EvaluationRecord
from runner.store.store import Store
from runner.time_limits.measurements import Measurement, MeasurementKey, load_cached, store_cached
from runner.time_limits.terms import ANY_MACHINE, Terms, resolve_terms

HERE = MeasurementKey(
    challenge_sha256="a" * 64,
    image="b" * 64,
    machine={"engine": "one", "cores": "2", "processor": "fast"},
    cpus=1.0,
    threads=1,
    placement=Placement(),
)
FOUND = Measurement(
    retrain_seconds=12.0, epoch_seconds=[1.0, 1.1, 0.9], epochs=2, processor="fast", measured="2026-11-23"
)


def test_what_is_remembered_is_known(tmp_path: Path) -> None:
    """And what was measured later takes its place."""
    assert load_cached(HERE, tmp_path) is None
    store_cached(HERE, FOUND, tmp_path)
    assert load_cached(HERE, tmp_path) == FOUND
    later = FOUND.model_copy(update={"retrain_seconds": 13.0})
    store_cached(HERE, later, tmp_path)
    assert load_cached(HERE, tmp_path) == later


@pytest.mark.parametrize(
    "change",
    [
        {"challenge_sha256": "c" * 64},
        {"image": "c" * 64},
        {"machine": {**HERE.machine, "processor": "slow"}},
        {"machine": {**HERE.machine, "engine": "two"}},
        {"cpus": 2.0},
        {"threads": 2},
        {"placement": Placement(runtime="runsc")},
        {"placement": Placement(device_requests=({"Driver": "cdi"},))},
    ],
    ids=str,
)
def test_other_circumstances_are_not_known(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another challenge, image, machine, share of the cores or device is measured anew."""
    store_cached(HERE, FOUND, tmp_path)
    assert load_cached(replace(HERE, **change), tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"circumstances": {}}', '{"circumstances": {}, "measurement": {}}'],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    """It is measured again, not believed and not an error."""
    store_cached(HERE, FOUND, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert load_cached(HERE, tmp_path) is None


def test_a_file_under_another_name_is_not_believed(tmp_path: Path) -> None:
    """What the file says it was measured under has to match, not its name alone."""
    store_cached(HERE, FOUND, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    other = replace(HERE, cpus=8.0)
    file.rename(file.with_name(f"{other.key}.json"))
    assert load_cached(other, tmp_path) is None


def test_a_time_that_is_no_time_is_not_believed(tmp_path: Path) -> None:
    """Zero, negative and infinite times would let a run go on for no time or for ever."""
    store_cached(HERE, FOUND, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    for wrong in ("0.0", "-1.0", "Infinity", "NaN", '"x"'):
        file.write_text(file.read_text().replace('"retrain_seconds": 12.0', f'"retrain_seconds": {wrong}'))
        assert load_cached(HERE, tmp_path) is None, wrong
        store_cached(HERE, FOUND, tmp_path)


def test_terms_of_a_fraction() -> None:
    """They say what is in force, what it was reckoned from, and where that was measured."""
    terms = resolve_terms(Limits(wall_fraction=0.25, total_seconds=99.0), "verdict-only", (HERE, FOUND))
    assert terms == Terms(
        machine=HERE.key,
        wall_seconds=3.0,
        total_seconds=99.0,
        wall_fraction=0.25,
        retrain_seconds=12.0,
        feedback="verdict-only",
    )


def test_terms_of_seconds_hold_on_any_machine() -> None:
    """Nothing has to be measured; what was is noted and has no part in the limit."""
    terms = resolve_terms(Limits(wall_seconds=5.0), "full", (HERE, FOUND))
    assert terms.machine == ANY_MACHINE
    assert terms.wall_seconds == 5.0
    assert terms.retrain_seconds == 12.0
    assert resolve_terms(Limits(wall_seconds=5.0), "full").retrain_seconds is None
    with pytest.raises(ConfigurationError, match="not measured"):
        resolve_terms(Limits(wall_fraction=0.2), "full")


def test_terms_put_the_limit_in_force_and_leave_the_challenge_the_same(
    load_challenge: Callable[[Limits], Challenge],
) -> None:
    """So the evaluation's name, which is made from the hash, is the same on every machine."""
    challenge = load_challenge(Limits(wall_fraction=0.25))
    applied = resolve_terms(challenge.description.limits, "full", (HERE, FOUND)).applied_to(challenge)
    assert applied.description.limits == Limits(wall_seconds=3.0)
    assert applied.sha256 == challenge.sha256
    for field in fields(challenge):
        if field.name != "description":
            assert getattr(applied, field.name) is getattr(challenge, field.name)


def test_the_first_terms_stand(tmp_path: Path) -> None:
    """A second measurement does not change how an evaluation that has begun is judged; another
    machine has terms of its own; removing the evaluation removes them."""
    store = Store.in_folder(tmp_path, create=True)
    name = "0123456789ab"
    store.begin(
        EvaluationRecord(
            id=name,
            submission_sha256="a" * 64,
            submission="mine",
            archive_bytes=1,
            challenge="tiny",
            challenge_sha256="b" * 64,
            image="c" * 64,
            n=2,
        )
    )
    assert store.terms(name, "x") is None
    assert store.agree(name, "x", {"wall_seconds": 1.0}) == {"wall_seconds": 1.0}
    assert store.agree(name, "x", {"wall_seconds": 2.0}) == {"wall_seconds": 1.0}
    assert store.agree(name, "y", {"wall_seconds": 3.0}) == {"wall_seconds": 3.0}
    assert store.all_terms(name) == [{"wall_seconds": 1.0}, {"wall_seconds": 3.0}]
    store.remove(name)
    assert store.all_terms(name) == []
    store.close()
