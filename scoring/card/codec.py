"""JSON of frozen dataclasses: encoding, strict parsing and decoding against the fields' types.

The text is not trusted: a missing or unknown field, a value of another type, a number that a float
cannot hold or excessive nesting raises a `ValueError` of one sentence that names the place.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from reprlib import repr as short_repr
from typing import Any, TypeVar

import numpy as np

from scoring.checks import read_only_copy

T = TypeVar("T")

MAX_DEPTH = 16
"""Maximum nesting of a JSON text; a score card has 6 levels. It keeps recursion far from Python's limit."""

MAX_INTEGER_CHARACTERS = 19
"""Maximum length of an integer in JSON, so that it fits into 64 bits; no count or seed is longer."""


def encode(value: Any) -> Any:
    """Return the JSON form of a value: dataclasses become objects, arrays and tuples become lists.

    A NaN in an array, where it means that there is no value, becomes null.

    Raises:
        ValueError: another number is NaN, or a number is infinite; JSON has neither.
        TypeError: the value is of a type that JSON does not have.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        plain = value.astype(object)
        plain[value != value] = None  # noqa: PLR0124 - NaN is what differs from itself
        return encode(plain.tolist())
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("A number of a score card must be finite, but one is NaN or infinite.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A {type(value).__name__} has no place in a score card.")


def parse(text: str | bytes) -> object:
    """Return the value of a JSON text, with the grammar of RFC 8259 and no extensions.

    Raises:
        ValueError: the text is not UTF-8 or not JSON, an object has a field twice, a number is NaN,
            infinite or too long, or the nesting exceeds `MAX_DEPTH`.
    """
    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode("utf-8"),
            parse_float=_parse_float,
            parse_int=_parse_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_fields,
        )
    except UnicodeDecodeError as error:
        raise ValueError("the text is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"the text is not JSON ({error}).") from error
    except RecursionError as error:  # the parser itself recurses, before the depth can be measured
        raise ValueError(f"values are nested more than {MAX_DEPTH} deep.") from error
    _check_depth(value)
    return value


def _parse_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {short_repr(digits)} is too large.")
    return value


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_CHARACTERS:
        raise ValueError(f"the number {short_repr(digits)} is too large.")
    return int(digits)


def _refuse_constant(name: str) -> typing.NoReturn:
    raise ValueError(f"{name} is not a number that JSON allows.")


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("an object has the same field twice.")
    return fields


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ValueError(f"values are nested more than {MAX_DEPTH} deep.")


def decode(kind: type[T], data: object, where: str = "it") -> T:
    """Return the value that `encode` turned into this JSON, checked against the types of the fields.

    Args:
        kind: A dataclass, or an array type.
        data: JSON from `parse`.
        where: Name of the value, for the error's sentence.

    Raises:
        ValueError: a field is missing, unknown or of another type; the sentence names the place.
    """
    value: T = _decode(kind, data, where)
    return value


def _decode(kind: Any, data: object, where: str) -> Any:  # noqa: PLR0911 - a return for each kind
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        (rest,) = (argument for argument in arguments if argument is not type(None))
        return _decode(rest, data, where)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, where)
    if origin is np.ndarray:
        return _decode_array(typing.get_args(arguments[1])[0], data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise ValueError(f"{where} must be a list.")
        kinds = [arguments[0]] * len(data) if arguments[1:] == (Ellipsis,) else list(arguments)
        if len(kinds) != len(data):
            raise ValueError(f"{where} must be a list of {len(kinds)}.")
        return tuple(
            _decode(item_kind, item, f"{where}[{index}]")
            for index, (item_kind, item) in enumerate(zip(kinds, data, strict=True))
        )
    if origin is dict:
        if not isinstance(data, dict):
            raise ValueError(f"{where} must be an object.")
        return {
            name: _decode(arguments[1], item, f"{where}[{short_repr(name)}]") for name, item in data.items()
        }
    if kind is Any:
        return data
    return _decode_plain(kind, data, where)


def _decode_array(dtype: Any, data: object, where: str) -> Any:
    """Return a read-only array; null is NaN.

    Every number is checked first, because NumPy would also convert text and truth values.
    """
    if not isinstance(data, list) or not all(_is_number(item) for item in _flatten(data)):
        raise ValueError(f"{where} must be a list of numbers.")
    try:
        return read_only_copy(np.array(data, dtype=dtype))
    except (TypeError, ValueError) as error:  # lists of unequal lengths, or null among integers
        raise ValueError(f"{where} must be a list of numbers.") from error


def _flatten(data: list[Any]) -> typing.Iterator[object]:
    for item in data:
        if isinstance(item, list):
            yield from _flatten(item)
        else:
            yield item


def _is_number(item: object) -> bool:
    return item is None or (isinstance(item, int | float) and not isinstance(item, bool))


def _decode_dataclass(kind: Any, data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be an object.")
    names = [field.name for field in dataclasses.fields(kind)]
    for name in data:
        if name not in names:
            raise ValueError(f"{where} has an unknown field {short_repr(name)}.")
    hints = typing.get_type_hints(kind)
    values = {}
    for name in names:
        if name not in data:
            raise ValueError(f"{where} lacks the field {name!r}.")
        values[name] = _decode(hints[name], data[name], f"{where}.{name}" if where != "it" else name)
    return kind(**values)


def _decode_plain(kind: Any, data: object, where: str) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind not in (bool, int, float, str) or type(data) is not kind:
        raise ValueError(f"{where} must be of type {getattr(kind, '__name__', kind)}.")
    return data
