"""Pydantic: types that several packages share, and one sentence for what a file has wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line

_Model = TypeVar("_Model", bound=BaseModel)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_MAX_ERRORS: Final = 1000
_PLAIN: Final = (
    (r"^(Value error|Assertion failed), ", ""),
    (r"^Input should be a valid integer.*", "must be a whole number"),
    (r"^Input should be a valid number.*", "must be a number"),
    (r"^Input should be a valid string.*", "must be text"),
    (r"^Input should be a valid (dictionary|mapping).*", "must be a table"),
    (r"^Input should be a valid (list|tuple|array).*", "must be a list"),
    (r"^Input should be a valid boolean.*", "must be true or false"),
    (r"^Input should be a finite number.*", "must be finite"),
    (r"^Input should be greater than or equal to (.*)", r"must be \1 or more"),
    (r"^Input should be less than or equal to (.*)", r"must be \1 or less"),
    (r"^Input should be less than (.*)", r"must be below \1"),
    (r"^Input should be greater than (.*)", r"must be above \1"),
    (r"^Input should (be |have )?", r"must \1"),
    (r"^Extra inputs are not permitted", "is not known"),
    (r"^Field required", "is missing"),
    (r"^String should ", "must "),
)
"""Pydantic's messages and what they say in plain words; a message that is not here stays as it is."""


def first_problem(error: ValidationError, *, root: str = "it") -> str:
    """Return where the first problem of a validation error is and what it is: sanitized, on one line.

    Of more than `_MAX_ERRORS` problems only the number is returned: pydantic describes all or none, and an
    untrusted file may have millions.

    Args:
        error: What pydantic raised.
        root: The name of the validated value, for a problem that belongs to no single field.
    """
    if error.error_count() > _MAX_ERRORS:
        return f"{error.error_count()} names or values are invalid"
    first = error.errors(include_url=False, include_input=False)[0]
    location = ".".join(str(part) for part in first["loc"])
    return sanitize_line(f"{location or root}: {plain_message(first['msg'])}")


def plain_message(message: str) -> str:
    """Return a message of pydantic in plain words, to be read after the name of what is wrong."""
    for pattern, plain in _PLAIN:
        message = re.sub(pattern, plain, message, count=1, flags=re.DOTALL)
    return message


def parse_toml(
    file: Path,
    text: bytes,
    model: type[_Model],
    *,
    read: Callable[[bytes], object],
    root: str = "it",
) -> _Model:
    """Return the value that a text describes, checked by its model.

    Args:
        file: Path of the text, for messages.
        text: Its content.
        model: What it describes.
        read: Returns the tables of the text: `runner.parsers.toml.read_toml`.
        root: Name of the whole, for a problem that belongs to no single field.

    Raises:
        ConfigurationError: the text is not TOML, or not valid.
    """
    try:
        return model.model_validate(read(text))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {first_problem(error, root=root)}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not TOML: it is nested too deeply.") from error
    except ValueError as error:  # not TOML, or a number that Python refuses
        raise ConfigurationError(f"{file} is not TOML: {sanitize_line(str(error))}.") from error
