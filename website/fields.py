"""The fields of a class as a reader sees them: name, type in words, default and description."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from runner.validation import Sha256

_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    datetime: "time",
    type(None): "null",
    Any: "any value",
}
_ABSENT: Final = "absent"
_BOUNDS: Final[Sequence[tuple[Any, str, str]]] = (
    (Ge, "ge", "at least"),
    (Gt, "gt", "above"),
    (Le, "le", "at most"),
    (Lt, "lt", "below"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDoc:
    """What a reader is told of a field."""

    name: str
    type: str
    """In words, with its bounds."""
    default: str
    """Empty if the field must be given."""
    text: str
    """The description in the code; empty if there is none."""


def documented_fields(cls: type, *, link: Callable[[type], str]) -> list[FieldDoc]:
    """Return the fields of a pydantic model or a dataclass, in the order of the code.

    Args:
        cls: The class.
        link: Returns how a reader is led to the fields of another class.

    Raises:
        TypeError: it is of another kind, or a field has a type without words.
    """
    hints = get_type_hints(cls, include_extras=True)
    texts = attribute_docstrings(cls)
    return [
        FieldDoc(
            name=name,
            type=in_words(_without_null(hints[name]) if default == _ABSENT else hints[name], link),
            default=default,
            text=texts.get(name, ""),
        )
        for name, default in _defaults(cls).items()
    ]


def attribute_docstrings(cls: type) -> dict[str, str]:
    """Return the string that follows each annotated attribute of a class and its bases, in one line."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        if base is BaseModel:
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, following in zip(definition.body, definition.body[1:], strict=False):
            match statement, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = _plain(text)
    return texts


def classes_in(cls: type) -> Iterator[type]:
    """Yield the models and dataclasses that the fields of a class have, in the order of its fields."""
    hints = get_type_hints(cls, include_extras=True)
    for name in _defaults(cls):
        yield from _classes(hints[name])


def _classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and (issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint)):
        yield hint
    for argument in get_args(hint):
        yield from _classes(argument)


def in_words(hint: Any, link: Callable[[type], str]) -> str:  # noqa: ANN401 - any type hint
    """Return a type in words: ``whole number, at least 2``."""
    if hint == Sha256:
        return "SHA-256"
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _WORDS:
        words = _WORDS[hint]
    elif origin is Annotated:
        words = ", ".join([in_words(arguments[0], link), *_bounds(arguments[1:])])
    elif origin is Literal:
        words = " or ".join(_shown(choice) for choice in arguments)
    elif origin in (Union, types.UnionType):
        words = " or ".join(in_words(argument, link) for argument in arguments)
    elif origin in (list, tuple, Sequence):
        words = f"list ({in_words(arguments[0], link)})" if arguments else "list"
    elif origin in (dict, Mapping):
        words = f"table ({in_words(arguments[1], link)})"
    elif origin is np.ndarray or hint is np.ndarray:
        words = "list (number)"
    elif isinstance(hint, type) and issubclass(hint, Enum):
        words = " or ".join(f"`{member.value}`" for member in hint)
    elif isinstance(hint, type):
        words = link(hint)
    else:
        raise TypeError(f"website.fields has no words for {hint!r}.")
    return words


def _without_null(hint: Any) -> Any:  # noqa: ANN401 - any type hint
    """Return a type without None, for a field that is absent where it is None."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    return Union[tuple(item for item in get_args(hint) if item is not types.NoneType)]  # noqa: UP007 - of a tuple


def _plain(docstring: str) -> str:
    """Return a docstring in one line of Markdown, without Python's name for nothing."""
    text = " ".join(docstring.replace("``", "`").split())
    return re.sub(r"(?<=[^.] )None\b", "none", text)


def _bounds(metadata: Sequence[object]) -> list[str]:
    items = [
        item
        for source in metadata
        for item in (source.metadata if isinstance(source, FieldInfo) else [source])
    ]
    return [
        f"{words} {getattr(item, name):,}".removesuffix(".0").replace(",", " ")
        for kind, name, words in _BOUNDS
        for item in items
        if isinstance(item, kind)
    ]


def _defaults(cls: type) -> dict[str, str]:
    if issubclass(cls, BaseModel):
        return {
            name: "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
            for name, field in cls.model_fields.items()
        }
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is neither a pydantic model nor a dataclass.")
    return {
        field.name: "" if field.default is dataclasses.MISSING else _shown(field.default)
        for field in dataclasses.fields(cls)
    }


def _shown(value: object) -> str:
    """Return a default as files have it."""
    match value:
        case None:
            return _ABSENT
        case bool():
            return f"`{str(value).lower()}`"
        case str() | int() | float():
            return f"`{value}`" if value != "" else "empty"
    return "empty"
