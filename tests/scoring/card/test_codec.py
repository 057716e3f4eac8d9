"""Do values come back from JSON as they went, and is everything else refused with its place?"""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from scoring.card.codec import decode, encode
from scoring.checks import FloatArray


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
    found = decode(Outer, json.loads(json.dumps(encode(WHOLE))))
    np.testing.assert_array_equal(found.values, WHOLE.values)
    assert not found.values.flags.writeable
    assert (found.n, found.sure, found.parts, found.by_name) == (3, True, WHOLE.parts, WHOLE.by_name)
    assert found.perhaps is None


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float64("-inf"), np.array([1.0, np.inf])])
def test_json_has_no_such_number(value):
    """What is not finite is refused, not written as a word that other readers stumble over."""
    with pytest.raises(ValueError, match="finite"):
        encode({"x": value})


def test_no_value_in_an_array():
    """It is null in JSON, and comes back as what it was."""
    text = json.dumps(encode(np.array([[1.0, np.nan]])))
    assert text == "[[1.0, null]]"
    np.testing.assert_array_equal(decode(FloatArray, json.loads(text)), [[1.0, np.nan]])


def test_other_kinds_have_no_place():
    """Only plain values."""
    with pytest.raises(TypeError, match="set has no place"):
        encode({1})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n": 1.5}, "n must be of type int"),
        ({"n": True}, "n must be of type int"),
        ({"sure": 1}, "sure must be of type bool"),
        ({"values": "x"}, "values must be a list of numbers"),
        ({"values": [1, "x"]}, "values must be a list of numbers"),
        ({"parts": {}}, "parts must be a list"),
        ({"parts": [{"name": "a"}]}, r"parts\[0\] lacks the field 'ratio'"),
        ({"by_name": []}, "by_name must be an object"),
        ({"perhaps": 1}, "perhaps must be an object"),
        ({"other": 1}, "a field 'other' that is not known"),
    ],
)
def test_other_data_is_refused(changed, message):
    """One sentence says where it is wrong."""
    with pytest.raises(ValueError, match=message):
        decode(Outer, {**json.loads(json.dumps(encode(WHOLE))), **changed})
