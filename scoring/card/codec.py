"""How do frozen dataclasses become JSON and come back, with nothing missing, unknown or of another type?"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from scoring.checks import read_only_copy

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return a value as JSON has it: dataclasses as objects, arrays and tuples as lists.

    A NaN in an array, where it means that there is no value, becomes null.

    Raises:
        ValueError: another number is NaN, or one is infinite, which JSON does not have.
        TypeError: a value is of a kind that has no place in JSON.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        plain = value.astype(object)
        plain[value != value] = None  # noqa: PLR0124 - NaN is what differs from itself
        return encode(plain.tolist())
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): encode(one) for name, one in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("A number of a score card must be finite, but one is NaN or infinite.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A {type(value).__name__} has no place in a score card.")


def decode(kind: type[T], data: object, where: str = "it") -> T:
    """Return what `encode` made JSON of, checked against the types of the fields.

    Raises:
        ValueError: something is missing, unknown or of another type; the sentence says where.
    """
    found: T = _decode(kind, data, where)
    return found


def _decode(kind: Any, data: object, where: str) -> Any:  # noqa: PLR0911 - a return for each kind
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        (rest,) = (one for one in arguments if one is not type(None))
        return _decode(rest, data, where)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, where)
    if origin is np.ndarray:
        if not isinstance(data, list):
            raise ValueError(f"{where} must be a list of numbers.")
        try:
            return read_only_copy(np.array(data, dtype=typing.get_args(arguments[1])[0]))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where} must be a list of numbers.") from error
    if origin is tuple:
        if not isinstance(data, list):
            raise ValueError(f"{where} must be a list.")
        kinds = [arguments[0]] * len(data) if arguments[1:] == (Ellipsis,) else list(arguments)
        if len(kinds) != len(data):
            raise ValueError(f"{where} must be a list of {len(kinds)}.")
        return tuple(
            _decode(one, part, f"{where}[{at}]")
            for at, (one, part) in enumerate(zip(kinds, data, strict=True))
        )
    if origin is dict:
        if not isinstance(data, dict):
            raise ValueError(f"{where} must be an object.")
        return {name: _decode(arguments[1], one, f"{where}.{name}") for name, one in data.items()}
    if kind is Any:
        return data
    return _decode_plain(kind, data, where)


def _decode_dataclass(kind: Any, data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be an object.")
    names = [field.name for field in dataclasses.fields(kind)]
    for name in data:
        if name not in names:
            raise ValueError(f"{where} has a field {name!r} that is not known.")
    hints = typing.get_type_hints(kind)
    found = {}
    for name in names:
        if name not in data:
            raise ValueError(f"{where} lacks the field {name!r}.")
        found[name] = _decode(hints[name], data[name], f"{where}.{name}" if where != "it" else name)
    return kind(**found)


def _decode_plain(kind: Any, data: object, where: str) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind not in (bool, int, float, str) or type(data) is not kind:
        raise ValueError(f"{where} must be of type {getattr(kind, '__name__', kind)}.")
    return data
