"""Score card: its parts, its flags, its seed, its schema, and the reasons for missing parts."""

import dataclasses
import json
import typing

import numpy as np
import pytest

from scoring import (
    CardOptions,
    ScoreCard,
    exact_epsilon,
    published_score,
    score_card,
)
from scoring.card.card import SCHEMA_VERSION
from scoring.card.make import seed_of
from scoring.card.version import SCORE_VERSION, SCORE_VERSIONS, score_version
from tests.support.paths import SCORING_GOLDEN
from tests.support.populations import population, probed

GOLDEN = SCORING_GOLDEN / "card_schema.json"

WITHOUT_PROBES = (
    *("nulls", "relearning", "residual_knowledge", "features", "over_unlearning"),
    *("strata", "mislabelled"),
)
"""Parts that 24 models without probes do not have."""


@pytest.fixture(scope="module")
def card():
    return score_card(probed(0), probed(1), CardOptions(retraining_seconds=20.0))


def test_the_published_score_is_the_published_score(card):
    """The card's published score and exact epsilon are those of the public functions."""
    unlearned, retrained = probed(0), probed(1)
    plain = published_score(
        unlearned_logits=unlearned.logits,
        reference_logits=retrained.logits,
        labels=unlearned.labels,
        unlearned_accuracies=unlearned.accuracies(),
        reference_accuracies=retrained.accuracies(),
    )
    assert card.published.score == plain.score
    np.testing.assert_array_equal(card.published.epsilon, plain.epsilon)
    np.testing.assert_array_equal(
        card.exact.epsilon, exact_epsilon(unlearned.confidences(), retrained.confidences())
    )
    assert card.uncertainty.score.low <= card.published.score <= card.uncertainty.score.high
    assert card.omitted == {}


def test_the_same_seed_gives_the_same_card():
    """The same seed gives the same card; another seed changes it, but not the published score."""
    first, again, other = (
        score_card(population(2), population(3), CardOptions(seed=seed)) for seed in (5, 5, 6)
    )
    assert first.to_json() == again.to_json()
    assert first.published.score == other.published.score
    assert first.to_json() != other.to_json()


def test_halves_known_in_advance_could_be_exploited():
    """Runs that are too high in one half and too low in the other are hidden by a known seed, not by default.

    The control: the same runs in another order, which favours no half, are detected with the same seed too.
    """
    retrained = population(1, models=64)
    seed = 7
    known_half = np.random.default_rng(seed).permutation(64)[
        :32
    ]  # as `scoring.epsilon.held_out` halves the runs
    shift = np.full(64, -3.0)
    shift[known_half] = 3.0
    logits = population(0, models=64).logits.copy()
    logits[:, np.arange(12), np.arange(12) % 3] += shift[:, np.newaxis]
    cheat = population(0, models=64, logits=logits)
    other_order = population(0, models=64, logits=logits[np.random.default_rng(1).permutation(64)])
    known, default, control = (
        score_card(runs, retrained, CardOptions(seed=requested)).held_out
        for runs, requested in ((cheat, seed), (cheat, None), (other_order, seed))
    )
    assert known is not None
    assert default is not None
    assert control is not None
    assert known.epsilon_mean < 0.5 * default.epsilon_mean
    assert control.epsilon_mean > 2 * known.epsilon_mean


def test_default_seed_is_derived_from_the_outputs():
    """Equal outputs give equal cards; one other logit gives other halves."""
    unlearned, retrained = population(2), population(3)
    logits = unlearned.logits.copy()
    logits[0, 0, 0] += 1e-3
    assert score_card(unlearned, retrained).to_json() == score_card(population(2), population(3)).to_json()
    assert seed_of(population(2, logits=logits), retrained) != seed_of(unlearned, retrained)


def test_parts_without_inputs_are_omitted_with_a_reason():
    """Two runs, two references, no losses, no times: the published score is present, and every missing part has a reason."""
    unlearned, references = (population(seed, models=2, unseen_losses=None, seconds=None) for seed in (0, 1))
    result = score_card(unlearned, references)
    assert result.published.n == 2
    missing = [name for name, part in dataclasses.asdict(result).items() if part is None]
    assert {"uncertainty", "ceiling", "share_of_ceiling", "u_lira", "membership", "run_time"} <= {*missing}
    assert {*missing} - {"controls"} == {*result.omitted}  # nobody is told that there are none
    for name in result.omitted:
        assert getattr(result, name) is None
        assert result.omitted[name].endswith(".")
    assert ScoreCard.from_json(result.to_json()).omitted == result.omitted


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": 1},
        {"models": 3},
        {"classes": 2},
        {"logits": np.zeros((24, 12, 3))},
        {"logits": np.full((24, 12, 3), 3e38, np.float32) * np.array([1, -1, -1], np.float32)},
    ],
    ids=["one example", "three models", "two classes", "constant", "saturated"],
)
def test_edges_have_a_card(changes):
    """All outputs that are accepted give a card that JSON can represent."""
    result = score_card(population(0, **changes), population(1, **changes))
    assert ScoreCard.from_json(result.to_json()).published.score == result.published.score


def test_one_class_is_refused():
    """With one class no answer can be wrong, so the confidence is undefined."""
    with pytest.raises(ValueError, match="two or more classes"):
        score_card(population(0, classes=1), population(1, classes=1))


def test_references_may_be_fewer():
    """The number of references may be smaller or larger than that of runs."""
    for models in (10, 40):
        result = score_card(population(0), population(1, models=models))
        assert (result.n, result.references) == (24, models)
        assert {*result.omitted} - {"run_time"} == {*WITHOUT_PROBES}


def _damaged():
    raise ValueError("The outputs are damaged.")


@pytest.mark.parametrize(
    ("controls", "reason"),
    [
        (_damaged, "The outputs are damaged"),
        (lambda: [(population(2), population(3, classes=2))], "classes"),
        ([(population(2), population(3, models=4))], "needs 8 runs and 8 references"),
        (list, None),
    ],
)
def test_broken_control_problems_cost_no_score(controls, reason):
    """The comparison alone is omitted; whatever else the card has stays as it is."""
    result = score_card(population(0, models=4), population(1, models=4), controls=controls)
    assert result.published.forgetting_quality > 0
    assert ("controls" in result.omitted) is (reason is not None)
    assert (reason or "") in result.omitted.get("controls", "")


def test_flags_are_on_the_card():
    """Models that are far off, too slow and copies of each other get the corresponding flags."""
    far = population(0, shift=6.0, seconds=np.full(24, 9.0))
    copied = np.repeat(far.logits[:12], 2, axis=0)
    result = score_card(
        population(0, logits=copied, seconds=np.full(24, 9.0)),
        population(1),
        CardOptions(retraining_seconds=20.0),
    )
    kinds = {flag.kind for flag in result.flags}
    assert {"joint-attack", "duplicates", "certified", "too-slow"} <= kinds
    assert all(flag.sentence.endswith(".") for flag in result.flags)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be zero or more"),
        ({"seed": 1 << 32}, "below 2"),
        ({"confidence": 1.0}, "confidence must lie"),
        ({"retraining_seconds": 0.0}, "above zero and finite"),
        ({"retraining_seconds": np.inf}, "above zero and finite"),
    ],
)
def test_impossible_options_are_refused(options, message):
    """One sentence names the option."""
    with pytest.raises(ValueError, match=message):
        CardOptions(**options)


def schema(kind):
    """Return the names and types of a dataclass's fields, nested ones included."""
    hints = typing.get_type_hints(kind)
    result = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        arguments = [hint, *typing.get_args(hint)]
        arguments += [item for argument in arguments for item in typing.get_args(argument)]
        inner = [item for item in arguments if dataclasses.is_dataclass(item)]
        optional = " or null" if type(None) in typing.get_args(hint) else ""
        many = "list of " if any(typing.get_origin(item) is tuple for item in arguments) else ""
        result[field.name] = (
            {f"{many}object{optional}": schema(inner[0])} if inner else str(hint).replace("typing.", "")
        )
    return result


def test_the_schema_only_grows():
    """Every field of the golden record exists with its type; a new field needs a new record and a new version.

    Rewrite it by running this file as a script.
    """
    assert json.loads(GOLDEN.read_text()) == {"schema_version": SCHEMA_VERSION, "card": schema(ScoreCard)}


def test_cards_of_every_version_have_a_score_version():
    """Earlier cards have the same score, and unknown ones no known score."""
    assert score_version(1) == score_version(SCHEMA_VERSION) == SCORE_VERSION == 1
    assert {*SCORE_VERSIONS} == {*range(1, SCHEMA_VERSION + 1)}
    assert score_version(SCHEMA_VERSION + 1) not in SCORE_VERSIONS.values()


if __name__ == "__main__":
    record = {"schema_version": SCHEMA_VERSION, "card": schema(ScoreCard)}
    GOLDEN.write_text(json.dumps(record, indent=1) + "\n")
