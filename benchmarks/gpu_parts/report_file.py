"""Reading a file of `benchmarks/gpu.py`: checked by a model, whose schema is recorded.

Apart from `report`, which writes the file on a machine that may have no pydantic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from benchmarks.gpu_parts.report import SCHEMA_VERSION

Part = Literal["a", "b", "c", "d", "e", "f", "g", "h"]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Measurements(BaseModel):
    """The content of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: Literal[1]
    device: Literal["cuda", "cpu"]
    small: bool
    """Sizes were reduced until nothing is measured but that the parts work."""
    started_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    parts: dict[Part, dict[str, JsonValue]]
    """The values of each part that ended."""
    seconds: dict[Part, Seconds]
    skipped: dict[Part, str]
    """Why a part was left out."""
    failed: dict[Part, str]
    """The error that ended a part."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        """A part has values, or failed, or was skipped; a part that ended by itself has a time."""
        groups = [set(self.parts), set(self.failed), set(self.skipped)]
        if sum(map(len, groups)) != len(set.union(*groups)):
            raise ValueError("a part is in two of parts, failed and skipped")
        if not set(self.seconds) <= groups[0] | groups[1]:
            raise ValueError("seconds of a part that was not begun")
        return self

    @property
    def proven_on(self) -> str | None:
        """Return the device's name if this is a measurement of a GPU at full size, or None."""
        if self.device != "cuda" or self.small:
            return None
        limit = self.parts.get("e", {}).get("limit")
        name = limit.get("name") if isinstance(limit, dict) else None
        return name if isinstance(name, str) else None


def read_measurements(file: Path) -> Measurements:
    """Return the content of a file.

    Raises:
        pydantic.ValidationError: it is not such a file, or of another version.
    """
    return Measurements.model_validate_json(file.read_bytes())


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file."""
    assert SCHEMA_VERSION == 1, "the model is of version 1"
    return Measurements.model_json_schema()
