"""Both sides draw the same samples and expect the same arrays."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from sandbox.protocol.probes import (
    FEATURES,
    KINDS,
    MAX_ARRAY_BYTES,
    PERTURBED,
    RETAIN,
    TEST,
    ProbePlan,
    probe_seed,
)

PLAN = ProbePlan(
    kinds=KINDS,
    seed=5,
    sample_examples=4,
    norms=(0.03, 0.1, 0.3),
    copies=2,
    feature_numbers=64,
    relearning_steps=3,
    relearning_rate=0.1,
    relearning_batch=8,
)
SIZES = {"retain": 100, "forget": 7, "val": 3, "test": 3}


def test_a_sample_is_fixed_by_seed_and_split() -> None:
    """On every machine, under every version of Python: references and runs are computed years apart."""
    assert PLAN.sample("retain", 100) == [1, 2, 37, 57]
    assert PLAN.sample("retain", 100) != PLAN.sample("test", 100)
    assert PLAN.sample("retain", 100) != replace(PLAN, seed=6).sample("retain", 100)


def test_a_sample_has_no_more_examples_than_its_split() -> None:
    """All of a small split, each once and in their order."""
    assert PLAN.sample("test", 3) == [0, 1, 2]
    assert PLAN.sample("test", 1) == [0]
    assert len(set(PLAN.sample("retain", 1000))) == 4


def test_a_challenges_seed_fixes_its_probes_and_is_not_in_them() -> None:
    """A submission that knows neither cannot prepare for the noise."""
    assert probe_seed(7) == 8249461157756347931
    assert len({probe_seed(seed) for seed in range(100)}) == 100
    assert len({PLAN.seed_for(purpose) for purpose in ("noise", "projection 64", "batches")}) == 3


def test_each_kind_has_a_shape() -> None:
    """In the order in which arrays follow one another."""
    shapes = PLAN.shapes(examples=7, classes=10, sizes=SIZES)
    assert list(shapes) == list(KINDS)
    assert shapes == {
        "retain_logits": (4, 10),
        "test_logits": (3, 10),
        "perturbed_logits": (3, 2, 7, 10),
        "features": (7, 64),
        "relearned_logits": (7, 10),
    }
    some = replace(PLAN, kinds=(TEST, FEATURES)).shapes(examples=7, classes=10, sizes=SIZES)
    assert list(some) == ["test_logits", "features"]


def test_a_plan_survives_the_round_trip() -> None:
    """Through the JSON of a job, whose lists become tuples again."""
    assert ProbePlan.from_fields(json.loads(json.dumps(asdict(PLAN)))) == PLAN


def test_what_cannot_be_recorded_is_left_out_with_a_reason() -> None:
    """Features of a network without a last linear layer, and what would fill the disk."""
    whole, none = PLAN.recordable(examples=7, classes=10, sizes=SIZES, has_features=True)
    assert (whole, none) == (PLAN, [])
    less, (reason,) = PLAN.recordable(examples=7, classes=10, sizes=SIZES, has_features=False)
    assert less.kinds == tuple(kind for kind in KINDS if kind != FEATURES)
    assert "features are not recorded: no linear layer" in reason
    many = MAX_ARRAY_BYTES // 4 // 6 // 1000
    assert PERTURBED in PLAN.recordable(examples=many, classes=1000, sizes=SIZES, has_features=True)[0].kinds
    less, (reason,) = PLAN.recordable(examples=many + 1, classes=1000, sizes=SIZES, has_features=True)
    assert PERTURBED not in less.kinds
    assert RETAIN in less.kinds
    assert "8 MiB of each network" in reason
