"""Pydantic: types that several packages share, and one sentence for a validation error."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, ValidationError

from runner.sanitize import sanitize_line

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_MAX_ERRORS: Final = 1000


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
    return sanitize_line(f"{location or root}: {first['msg'].removeprefix('Value error, ')}")
