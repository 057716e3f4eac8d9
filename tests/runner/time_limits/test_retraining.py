"""A measured retraining time is used under the circumstances of its measurement, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.placement import GpuRequest, Placement
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from runner.time_limits.measurements import Measurement, MeasurementKey, load_cached, store_cached
from runner.time_limits.terms import ANY_MACHINE, Terms, resolve_terms
from tests.support.records import evaluation_record

HERE = MeasurementKey(
    challenge_sha256="a" * 64,
    image="b" * 64,
    machine={"engine": "one", "cores": "2", "processor": "fast"},
    cpus=1.0,
    threads=1,
    placement=Placement(),
)
MEASUREMENT = Measurement(
    retrain_seconds=12.0, epoch_seconds=[1.0, 1.1, 0.9], epochs=2, processor="fast", measured="2026-11-23"
)


def test_a_stored_measurement_is_loaded(tmp_path: Path) -> None:
    """A later measurement replaces it."""
    assert load_cached(HERE, tmp_path) is None
    store_cached(HERE, MEASUREMENT, tmp_path)
    assert load_cached(HERE, tmp_path) == MEASUREMENT
    later = MEASUREMENT.model_copy(update={"retrain_seconds": 13.0})
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
        {"placement": Placement(gpu=GpuRequest(name="all", by_cdi=True))},
    ],
    ids=str,
)
def test_other_circumstances_have_no_measurement(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another challenge, image, machine, share of the cores or device is measured again."""
    store_cached(HERE, MEASUREMENT, tmp_path)
    assert load_cached(replace(HERE, **change), tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"circumstances": {}}', '{"circumstances": {}, "measurement": {}}'],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    """It is neither used nor an error: the measurement is repeated."""
    store_cached(HERE, MEASUREMENT, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert load_cached(HERE, tmp_path) is None


def test_a_file_under_another_name_is_not_used(tmp_path: Path) -> None:
    """The circumstances in the file must match, not only its name."""
    store_cached(HERE, MEASUREMENT, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    other = replace(HERE, cpus=8.0)
    file.rename(file.with_name(f"{other.digest}.json"))
    assert load_cached(other, tmp_path) is None


def test_an_invalid_time_is_not_used(tmp_path: Path) -> None:
    """Zero, negative and infinite times would allow a run no time, or let it run for ever."""
    store_cached(HERE, MEASUREMENT, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    for wrong in ("0.0", "-1.0", "Infinity", "NaN", '"x"'):
        file.write_text(file.read_text().replace('"retrain_seconds": 12.0', f'"retrain_seconds": {wrong}'))
        assert load_cached(HERE, tmp_path) is None, wrong
        store_cached(HERE, MEASUREMENT, tmp_path)


def test_terms_of_a_fraction() -> None:
    """They hold the definite limit, what it was calculated from, and where that was measured."""
    terms = resolve_terms(Limits(wall_fraction=0.25, total_seconds=99.0), "verdict-only", (HERE, MEASUREMENT))
    assert terms == Terms(
        machine=HERE.digest,
        wall_seconds=3.0,
        total_seconds=99.0,
        wall_fraction=0.25,
        retrain_seconds=12.0,
        feedback="verdict-only",
    )


def test_terms_of_seconds_apply_to_any_machine() -> None:
    """Nothing must be measured; an existing measurement is recorded and does not affect the limit."""
    terms = resolve_terms(Limits(wall_seconds=5.0), "full", (HERE, MEASUREMENT))
    assert terms.machine == ANY_MACHINE
    assert terms.wall_seconds == 5.0
    assert terms.retrain_seconds == 12.0
    assert resolve_terms(Limits(wall_seconds=5.0), "full").retrain_seconds is None
    with pytest.raises(ConfigurationError, match="not measured"):
        resolve_terms(Limits(wall_fraction=0.2), "full")


def test_terms_make_the_limit_definite_and_keep_the_hash(
    load_challenge: Callable[[Limits], Challenge],
) -> None:
    """The name of the evaluation, which depends on the hash, is the same on every machine."""
    challenge = load_challenge(Limits(wall_fraction=0.25))
    applied = resolve_terms(challenge.description.limits, "full", (HERE, MEASUREMENT)).applied_to(challenge)
    assert applied.description.limits == Limits(wall_seconds=3.0)
    assert applied.sha256 == challenge.sha256
    for field in fields(challenge):
        if field.name != "description":
            assert getattr(applied, field.name) is getattr(challenge, field.name)


def test_the_first_terms_remain(tmp_path: Path) -> None:
    """A second measurement does not change how a started evaluation is judged; another
    machine has terms of its own; removing the evaluation removes them."""
    store = open_store(tmp_path, create=True)
    name = "0123456789ab"
    store.begin(evaluation_record(id=name, challenge="tiny", n=2))
    assert store.terms(name, "x") is None
    first, second, other = (
        resolve_terms(Limits(wall_seconds=s), "full").model_dump(mode="json") for s in (1, 2, 3)
    )
    assert store.agree(name, "x", first) == first
    assert store.agree(name, "x", second) == first
    assert store.agree(name, "y", other) == other
    assert store.all_terms(name) == [first, other]
    store.remove(name)
    assert store.all_terms(name) == []
    store.close()
