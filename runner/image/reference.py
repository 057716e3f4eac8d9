"""The name of an image in a registry: ``registry.example/unlearn:tag``, or a digest in place of the tag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST: Final = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_NAME: Final = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE: Final = re.compile(
    rf"(?P<name>{_NAME})(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?", re.ASCII
)
_MAX_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image in a registry, by tag or by digest."""

    name: str
    """Registry and repository."""
    tag: str = ""
    digest: str = ""
    """``sha256:`` and 64 hex digits; it names the content, and a tag beside it means nothing."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as it is typed.

        Raises:
            ConfigurationError: it has another form.
        """
        match = _REFERENCE.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
        if match is None:
            raise ConfigurationError(
                f"{sanitize_line(text)!r} names no image; write it as REGISTRY/NAME:TAG or "
                "REGISTRY/NAME@sha256:DIGEST, with a name in lower case."
            )
        return cls(name=match["name"], tag=match["tag"] or "", digest=match["digest"] or "")

    def __str__(self) -> str:
        """Return it as an engine takes it."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name
