"""The card's JSON: real cards come back unchanged, and damaged ones are refused in one sentence."""

import dataclasses
import functools
import json
import random
from typing import Any

import numpy as np
import pytest

from scoring import CardOptions, ScoreCard, score_card
from scoring.card.card import SCHEMA_VERSION
from tests.support.populations import population, probed

UNKNOWN: dict[str, Any] = {"unseen_losses": None, "seconds": None}
COPIES = np.repeat(population(0, shift=6.0).logits[:12], 2, axis=0)
EMPTY_CLASS = np.array([[30, 30, 0], [20, 20, 20], [20, 20, 20], [20, 20, 20]])

CARDS = {
    "all parts": (probed(0, examples=12), probed(1, examples=12), CardOptions(retraining_seconds=20.0)),
    "no probes": (population(0), population(1), None),
    "two models, nothing known": (
        population(0, models=2, **UNKNOWN),
        population(1, models=2, **UNKNOWN),
        None,
    ),
    "every flag": (
        population(0, logits=COPIES, seconds=np.full(24, 9.0)),
        population(1),
        CardOptions(retraining_seconds=20.0, seed=2**32 - 1),
    ),
    "references handed in": (population(1), population(1), CardOptions(confidence=0.5)),
    "a class without examples": (
        population(0, class_counts=EMPTY_CLASS, correct=np.tile(EMPTY_CLASS // 2, (24, 1, 1))),
        population(1, class_counts=EMPTY_CLASS, correct=np.tile(EMPTY_CLASS // 2, (24, 1, 1))),
        None,
    ),
    "constant": (
        population(0, logits=np.zeros((24, 12, 3))),
        population(1, logits=np.zeros((24, 12, 3))),
        None,
    ),
}


def assert_same(first, second):
    """Compare two values of a card: types, bits of all numbers, and all parts."""
    assert type(first) is type(second)
    if dataclasses.is_dataclass(first):
        for field in dataclasses.fields(first):
            assert_same(getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(np.signbit(first), np.signbit(second))
    elif isinstance(first, dict):
        assert list(first) == list(second)
        assert_same(tuple(first.values()), tuple(second.values()))
    elif isinstance(first, tuple | list):
        assert len(first) == len(second)
        for left, right in zip(first, second, strict=True):
            assert_same(left, right)
    elif isinstance(first, float):
        assert first.hex() == second.hex()
    else:
        assert first == second


@functools.cache
def card_of(name: str) -> ScoreCard:
    """Return a card of the table, computed once."""
    return score_card(*CARDS[name])


@pytest.fixture
def card():
    return card_of("all parts")


@pytest.fixture
def data(card):
    return json.loads(card.to_json())


@pytest.mark.parametrize("name", CARDS)
def test_real_cards_come_back_unchanged(name):
    """Every field, None parts, arrays and NaN included, has its type and its bits; so has the text."""
    card = card_of(name)
    text = card.to_json()
    for form in (text, text.encode()):
        result = ScoreCard.from_json(form)
        assert_same(result, card)
        assert result.to_json() == text
    assert json.loads(text)["schema_version"] == SCHEMA_VERSION


def test_the_cards_of_this_file_have_what_they_are_for():
    """One card has every part, one has none that is optional, one has NaN, one has four kinds of flags."""
    cards = {name: card_of(name) for name in CARDS}
    optional = ("uncertainty", "ceiling", "share_of_ceiling", "u_lira", "membership", "run_time")
    missing = [name for name, part in dataclasses.asdict(cards["all parts"]).items() if part is None]
    assert missing == ["controls"]  # a card has them where the challenge has control problems
    assert cards["no probes"].relearning is None
    assert all(getattr(cards["two models, nothing known"], part) is None for part in optional)
    assert np.isnan(cards["a class without examples"].accuracies.unlearned_classes.mean).any()
    kinds = {flag.kind for flag in cards["every flag"].flags}
    assert {"joint-attack", "duplicates", "certified", "too-slow"} <= kinds
    assert {"too-close", "copies"} <= {flag.kind for flag in cards["references handed in"].flags}


def test_arrays_of_a_read_card_refuse_writes(card):
    """What was read cannot be changed by accident."""
    result = ScoreCard.from_json(card.to_json())
    with pytest.raises(ValueError, match="read-only"):
        result.published.epsilon[0] = 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"schema_version": 99}, "schema version 99, but this program reads version 3"),
        ({"schema_version": [1] * 500}, "schema version"),
        ({"schema_version": True}, "schema version True"),
        ({"schema_version": 1}, "schema version 1, but"),
        ({"n": "24"}, "n must be of type int"),
        ({"n": 24.0}, "n must be of type int"),
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"published": None}, "published must be an object"),
        ({"ceiling": []}, "ceiling must be an object"),
        ({"flags": {}}, "flags must be a list"),
        ({"flags": [{"kind": 1, "sentence": "", "figures": {}}]}, r"flags\[0\].kind must be of type str"),
        ({"omitted": {"a": None}}, r"omitted\['a'\] must be of type str"),
        ({"tug_of_war": None}, "tug_of_war must be of type float"),
        ({"examples": 13}, r"published.epsilon must hold 13 numbers"),
        ({"classes": 4}, r"accuracies.unlearned_classes.mean must have shape \[4, 4\]"),
    ],
)
def test_changed_cards_are_refused(data, changed, message):
    """A card is read strictly: the sentence names the field."""
    with pytest.raises(ValueError, match=f"^The score card cannot be read: .*{message}"):
        ScoreCard.from_json(json.dumps({**data, **changed}))


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("published", "epsilon", [], "published.epsilon must hold 12 numbers"),
        ("published", "epsilon", [[1.0] * 12], "published.epsilon must hold 12 numbers"),
        ("exact", "epsilon", [None] * 12, "exact.epsilon must hold 12 numbers"),
        ("held_out", "certified", [0.0] * 11, "held_out.certified must hold 12 numbers"),
        ("u_lira", "auc", ["0.5"] * 12, "u_lira.auc must be a list of numbers"),
        ("ceiling", "sizes", [1, 2, 3], "ceiling.sizes must be a list of 2"),
        ("klom", "percentiles", {"5": "x"}, r"klom.percentiles\['5'\] must be of type float"),
    ],
)
def test_changed_parts_are_refused(data, part, field, value, message):
    """Arrays have the card's number of examples, and no NaN that would mean nothing."""
    data[part][field] = value
    with pytest.raises(ValueError, match=message):
        ScoreCard.from_json(json.dumps(data))


def test_every_missing_field_is_named(data):
    """Without any one of its fields there is no card, and the sentence says which is missing."""
    for name in list(data):
        rest = {other: value for other, value in data.items() if other != name}
        with pytest.raises(ValueError, match=f"lacks the field '{name}'"):
            ScoreCard.from_json(json.dumps(rest))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("null", "must be an object"),
        ("[]", "must be an object"),
        (b"\x80", "not UTF-8"),
        ("[" * 100_000, "nested more than|not JSON"),
        ('{"schema_version": ' + "9" * 10_000 + "}", "too large"),
    ],
    ids=["empty", "null", "list", "bytes", "deep", "huge"],
)
def test_other_files_are_refused(text, message):
    """Whatever lies in the file, the answer is a ValueError of one sentence."""
    with pytest.raises(ValueError, match=f"^The score card cannot be read: .*({message})"):
        ScoreCard.from_json(text)


def test_non_finite_numbers_are_refused(card):
    """NaN and infinity are no JSON, and a number beyond the floats is not read as infinity."""
    score = json.dumps(card.published.score)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
        text = card.to_json().replace(f'"score": {score}', f'"score": {number}')
        assert text != card.to_json()
        with pytest.raises(ValueError, match=r"not a number that JSON allows|too large"):
            ScoreCard.from_json(text)


def refusal_of(text):
    """Return the sentence with which a text is refused, or None if it is a card that can be written again."""
    try:
        ScoreCard.from_json(text).to_json()
    except ValueError as error:
        return str(error)
    return None


ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    -1,
    0,
    10**18,
    10**30,
    1e308,
    "",
    "1",
    "x" * 5000,
    [],
    {},
    [[]],
    [None],
    {"a": []},
)


def places(value, place=()):
    """Yield the path of every value within a JSON value."""
    yield place
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(child, dict | list):
            yield from places(child, (*place, key))
        else:
            yield (*place, key)


def test_random_changes_never_escape_as_another_exception(card):
    """A value replaced, removed or added anywhere: a card that can be written again, or one sentence."""
    rng = random.Random(0)
    text = card.to_json()
    every = [place for place in places(json.loads(text)) if place]
    refused = 0
    for _ in range(600):
        data = json.loads(text)
        *above, last = rng.choice(every)
        target = data
        for key in above:
            target = target[key]
        action = rng.randrange(3)
        if action == 0:
            target[last] = rng.choice(ODD)
        elif action == 1:
            del target[last]
        elif isinstance(target, list):
            target.append(rng.choice(ODD))
        else:
            target[rng.choice(["", "n", "a\nb", "x" * 5000])] = rng.choice(ODD)
        refusal = refusal_of(json.dumps(data))
        if refusal is not None:
            refused += 1
            assert refusal.startswith("The score card cannot be read: ")
            assert refusal.count("\n") == 0
            assert len(refusal) < 250
    assert refused > 400


def test_damaged_bytes_never_escape_as_another_exception(card):
    """Bytes changed anywhere, or a file cut short: a card, or one sentence."""
    rng = np.random.default_rng(0)
    whole = card.to_json().encode()
    for trial in range(400):
        damaged = bytearray(whole[: rng.integers(len(whole))] if trial % 4 == 0 else whole)
        for place in rng.integers(max(len(damaged), 1), size=3):
            damaged[place : place + 1] = bytes([rng.integers(256)])
        refusal = refusal_of(bytes(damaged))
        if refusal is not None:
            assert refusal.startswith("The score card cannot be read: ")
            assert len(refusal) < 250
