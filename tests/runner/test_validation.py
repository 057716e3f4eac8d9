"""A validation error becomes one sanitized line: where the first problem is, and what it is."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from runner.validation import first_problem


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int


class _Outer(BaseModel):
    inner: _Inner
    fail: bool = False

    @model_validator(mode="after")
    def _check(self) -> _Outer:
        if self.fail:
            raise ValueError("give\x1b[2J one")
        return self


def problem(values: object) -> str:
    """Return the first problem of values that are not an `_Outer`."""
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(values)
    return first_problem(caught.value, root="limits")


def test_a_field_is_named_by_its_path() -> None:
    """Tables and fields are joined by dots."""
    assert problem({"inner": {"count": "x"}}).startswith("inner.count: must be a whole number")


def test_a_problem_of_the_whole_has_the_name_of_the_root() -> None:
    """Pydantic's prefix is removed, and control characters are replaced."""
    assert problem({"inner": {"count": 1}, "fail": True}) == "limits: give\N{REPLACEMENT CHARACTER}[2J one"


def test_very_many_problems_are_counted_only() -> None:
    """Describing millions of problems would take gigabytes."""
    names = {f"name{number}": 1 for number in range(2000)}
    assert problem({"inner": {"count": 1, **names}}) == "2000 names or values are invalid"
