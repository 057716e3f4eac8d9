"""Does a card hold what its parts say, come back from JSON, keep its schema, and say what it lacks?"""

import dataclasses
import json
import typing

import numpy as np
import pytest

from scoring import (
    CardOptions,
    Outputs,
    ScoreCard,
    exact_epsilon,
    published_score,
    score_card,
)
from scoring.card.card import SCHEMA_VERSION
from scoring.card.make import seed_of
from tests.support.paths import SCORING_GOLDEN

GOLDEN = SCORING_GOLDEN / "card_schema.json"


def population(seed, models=24, examples=12, shift=0.0, classes=3, **more):
    """Return models whose confidences lie ``shift`` too high."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % classes
    logits = rng.normal(size=(models, examples, classes)).astype(np.float32)
    logits[:, np.arange(examples), labels] += 1 + shift
    counts = np.full((4, classes), 20)
    return Outputs(
        **{
            "logits": logits,
            "labels": labels,
            "correct": rng.binomial(20, 0.9, size=(models, 4, classes)),
            "class_counts": counts,
            "unseen_losses": rng.exponential(size=(models, 30)),
            "seconds": np.full(models, 1.0),
            **more,
        }
    )


@pytest.fixture(scope="module")
def card():
    return score_card(population(0), population(1), CardOptions(retraining_seconds=20.0))


def test_the_published_score_is_the_published_score(card):
    """The card's is what the public function gives, and its exact epsilon likewise."""
    ours, theirs = population(0), population(1)
    plain = published_score(
        unlearned_logits=ours.logits,
        reference_logits=theirs.logits,
        labels=ours.labels,
        unlearned_accuracies=ours.accuracies(),
        reference_accuracies=theirs.accuracies(),
    )
    assert card.published.score == plain.score
    np.testing.assert_array_equal(card.published.epsilon, plain.epsilon)
    np.testing.assert_array_equal(card.exact.epsilon, exact_epsilon(ours.confidences(), theirs.confidences()))
    assert card.uncertainty.score.low <= card.published.score <= card.uncertainty.score.high
    assert card.omitted == {}


def test_json_and_back(card):
    """The same card, field by field, from its own text."""
    text = card.to_json()
    assert ScoreCard.from_json(text).to_json() == text
    assert json.loads(text)["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"n": "24"}, "n must be of type int"),
        ({"surprise": 1}, "'surprise' that is not known"),
        ({"published": None}, "published must be an object"),
    ],
)
def test_other_json_is_refused(card, changed, message):
    """A card is read strictly."""
    data = {**json.loads(card.to_json()), **changed}
    with pytest.raises(ValueError, match=message):
        ScoreCard.from_json(json.dumps(data))


def test_the_same_seed_gives_the_same_card():
    """And another seed leaves the published score alone."""
    one, again, other = (
        score_card(population(2), population(3), CardOptions(seed=seed)) for seed in (5, 5, 6)
    )
    assert one.to_json() == again.to_json()
    assert one.published.score == other.published.score
    assert one.to_json() != other.to_json()


def test_halves_that_are_known_beforehand_could_be_played_against():
    """Runs that are too high in one half and too low in the other hide from a known seed, and not by default.

    The control: the same runs in another order, of which no half is favoured, show what they are either way.
    """
    theirs = population(1, models=64)
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
        score_card(runs, theirs, CardOptions(seed=asked)).held_out
        for runs, asked in ((cheat, seed), (cheat, None), (other_order, seed))
    )
    assert known is not None
    assert default is not None
    assert control is not None
    assert known.epsilon_mean < 0.5 * default.epsilon_mean
    assert control.epsilon_mean > 2 * known.epsilon_mean


def test_the_default_seed_is_of_the_outputs():
    """Equal outputs give equal cards; one other logit gives other halves."""
    ours, theirs = population(2), population(3)
    logits = ours.logits.copy()
    logits[0, 0, 0] += 1e-3
    assert score_card(ours, theirs).to_json() == score_card(population(2), population(3)).to_json()
    assert seed_of(population(2, logits=logits), theirs) != seed_of(ours, theirs)


def test_what_cannot_be_known_is_omitted_with_its_reason():
    """Two runs, two references, no losses, no times: the published score stands, the rest says why not."""
    bare = {"unseen_losses": None, "seconds": None}
    found = score_card(population(0, models=2, **bare), population(1, models=2, **bare))
    assert found.published.n == 2
    for name in ("uncertainty", "ceiling", "share_of_ceiling", "u_lira", "membership", "run_time"):
        assert getattr(found, name) is None
        assert found.omitted[name].endswith(".")
    assert ScoreCard.from_json(found.to_json()).omitted == found.omitted


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
    """Whatever is allowed as outputs gets a card that JSON can hold."""
    found = score_card(population(0, **changes), population(1, **changes))
    assert ScoreCard.from_json(found.to_json()).published.score == found.published.score


def test_one_class_is_refused():
    """With one class no answer can be wrong, and there is no confidence."""
    with pytest.raises(ValueError, match="two or more classes"):
        score_card(population(0, classes=1), population(1, classes=1))


def test_references_may_be_fewer():
    """And more, too."""
    for models in (10, 40):
        found = score_card(population(0), population(1, models=models))
        assert (found.n, found.references) == (24, models)
        assert found.omitted == {"run_time": "The time that retraining takes is not known."} or found.run_time


def test_flags_are_on_the_card():
    """Models that are far off, too slow and copies of each other are told so."""
    far = population(0, shift=6.0, seconds=np.full(24, 9.0))
    copied = np.repeat(far.logits[:12], 2, axis=0)
    found = score_card(
        population(0, logits=copied, seconds=np.full(24, 9.0)),
        population(1),
        CardOptions(retraining_seconds=20.0),
    )
    kinds = {flag.kind for flag in found.flags}
    assert {"joint-attack", "duplicates", "certified", "too-slow"} <= kinds
    assert all(flag.sentence.endswith(".") for flag in found.flags)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be zero or more"),
        ({"seed": 1 << 32}, "below 2"),
        ({"confidence": 1.0}, "confidence must lie"),
        ({"retraining_seconds": 0.0}, "take some time"),
        ({"retraining_seconds": np.inf}, "take some time"),
    ],
)
def test_impossible_options_are_refused(options, message):
    """One sentence says what is wrong."""
    with pytest.raises(ValueError, match=message):
        CardOptions(**options)


def schema(kind):
    """Return the names and types of a dataclass's fields, of those within it too."""
    hints = typing.get_type_hints(kind)
    found = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        inner = [one for one in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(one)]
        optional = " or null" if type(None) in typing.get_args(hint) else ""
        many = "list of " if typing.get_origin(hint) is tuple else ""
        found[field.name] = (
            {f"{many}object{optional}": schema(inner[0])} if inner else str(hint).replace("typing.", "")
        )
    return found


def test_the_schema_only_grows():
    """Every field of the golden record is there with its type; a new one needs a new record, and a new version.

    Rewrite it by running this file as a script.
    """
    assert json.loads(GOLDEN.read_text()) == {"schema_version": SCHEMA_VERSION, "card": schema(ScoreCard)}


if __name__ == "__main__":
    record = {"schema_version": SCHEMA_VERSION, "card": schema(ScoreCard)}
    GOLDEN.write_text(json.dumps(record, indent=1) + "\n")
