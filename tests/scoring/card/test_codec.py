"""JSON codec: values come back unchanged, and any other text is refused with its place."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from scoring.card.codec import MAX_DEPTH, decode, encode, parse
from scoring.checks import CountArray, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A part."""

    name: str
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outer:
    """A whole."""

    n: int
    sure: bool
    values: FloatArray
    parts: tuple[Inner, ...]
    by_name: dict[str, Inner]
    perhaps: Inner | None


WHOLE = Outer(
    n=3,
    sure=True,
    values=np.array([0.1, 1 / 3, 50.0]),
    parts=(Inner(name="a", ratio=None), Inner(name="b", ratio=0.5)),
    by_name={"x": Inner(name="c", ratio=2.0)},
    perhaps=None,
)


def test_round_trip():
    """Through text and back, to the bit; arrays come back read-only."""
    result = decode(Outer, parse(json.dumps(encode(WHOLE))))
    np.testing.assert_array_equal(result.values, WHOLE.values)
    assert not result.values.flags.writeable
    assert (result.n, result.sure, result.parts, result.by_name) == (3, True, WHOLE.parts, WHOLE.by_name)
    assert result.perhaps is None


def test_numbers_round_trip_to_the_bit():
    """Extreme, subnormal and signed numbers come back as the same 64 bits."""
    rng = np.random.default_rng(0)
    numbers = np.concatenate(
        [
            [0.0, -0.0, 5e-324, -5e-324, np.finfo(float).max, np.finfo(float).tiny, 0.1, 1e22, 1e23],
            rng.integers(0, 2**63, size=2000, dtype=np.int64).view(np.float64),
        ]
    )
    numbers = numbers[np.isfinite(numbers)]
    result = decode(FloatArray, parse(json.dumps(encode(numbers))))
    np.testing.assert_array_equal(result.view(np.int64), numbers.view(np.int64))


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float64("-inf"), np.array([1.0, np.inf])])
def test_json_has_no_such_number(value):
    """What is not finite is refused, not written as a word that other readers stumble over."""
    with pytest.raises(ValueError, match="finite"):
        encode({"x": value})


def test_missing_value_in_an_array():
    """It is null in JSON, and comes back as NaN."""
    text = json.dumps(encode(np.array([[1.0, np.nan]])))
    assert text == "[[1.0, null]]"
    np.testing.assert_array_equal(decode(FloatArray, parse(text)), [[1.0, np.nan]])


def test_other_types_have_no_place():
    """Only plain values can be encoded."""
    with pytest.raises(TypeError, match="set has no place"):
        encode({1})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n": 1.5}, "^n must be of type int"),
        ({"n": True}, "^n must be of type int"),
        ({"n": None}, "^n must be of type int"),
        ({"sure": 1}, "^sure must be of type bool"),
        ({"values": "x"}, "^values must be a list of numbers"),
        ({"values": [1, "x"]}, "^values must be a list of numbers"),
        ({"values": [1, "2"]}, "^values must be a list of numbers"),
        ({"values": [1, True]}, "^values must be a list of numbers"),
        ({"values": [1, {}]}, "^values must be a list of numbers"),
        ({"values": [1, [2]]}, "^values must be a list of numbers"),
        ({"values": [[1], [2, 3]]}, "^values must be a list of numbers"),
        ({"values": {"0": 1}}, "^values must be a list of numbers"),
        ({"parts": {}}, "^parts must be a list"),
        ({"parts": [{"name": "a"}]}, r"^parts\[0\] lacks the field 'ratio'"),
        ({"parts": [{"name": "a", "ratio": "1"}]}, r"^parts\[0\].ratio must be of type float"),
        ({"by_name": []}, "^by_name must be an object"),
        ({"by_name": {"a\nb": 1}}, r"^by_name\['a\\nb'\] must be an object"),
        ({"perhaps": 1}, "^perhaps must be an object"),
        ({"other": 1}, "an unknown field 'other'"),
        ({"x" * 1000: 1}, r"an unknown field 'x+\.\.\.x+'\.$"),
    ],
)
def test_other_data_is_refused(changed, message):
    """One short sentence says where it is wrong."""
    with pytest.raises(ValueError, match=message) as refusal:
        decode(Outer, {**json.loads(json.dumps(encode(WHOLE))), **changed})
    assert len(str(refusal.value)) < 100
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_a_whole_number_is_a_float_too():
    """JSON does not distinguish 2 from 2.0, so another writer's whole number is accepted as a float."""
    result = decode(Inner, {"name": "a", "ratio": 2})
    assert isinstance(result.ratio, float)
    assert result.ratio == 2.0


def test_integers_have_no_missing_value():
    """Null is NaN, which an array of integers cannot hold."""
    with pytest.raises(ValueError, match="must be a list of numbers"):
        decode(CountArray, [1, None])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("1 2", "not JSON"),
        ("[1,]", "not JSON"),
        ("01", "not JSON"),
        ('"a\nb"', "not JSON"),
        ("\ufeff1", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ("1\x00".encode("utf-16"), "not UTF-8"),
        ("[NaN]", "NaN is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("[1e999]", "too large"),
        ("-1e400", "too large"),
        ("9" * 20, "too large"),
        ("9" * 100_000, "too large"),
        ('{"a": 1, "a": 1}', "twice"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than"),
        ("[" * 100_000 + "]" * 100_000, "nested more than"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested more than"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else str(value)[:20],
)
def test_other_texts_are_refused(text, message):
    """Python's extensions of JSON, huge numbers and deep nesting are a ValueError of one sentence."""
    with pytest.raises(ValueError, match=message) as refusal:
        parse(text)
    assert len(str(refusal.value)) < 150
    assert "\n" not in str(refusal.value)


def test_depth_within_the_limit_is_read():
    """Nesting up to the limit is no error, as text or bytes."""
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(text) == parse(text.encode()) == json.loads(text)
