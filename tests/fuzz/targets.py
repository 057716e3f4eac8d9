"""The targets, and the corpus that each begins with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

MAX_INPUT_BYTES = {
    "frames": 4096,
    "checkpoint": 4096,
    "archive": 4096,
    "description": 4096,
    "run_error": 4096,
    "text": 512,
    "arrays": 4096,
}
"""Of each target. Longer inputs would be slower and detect no more; memory has tests of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser of the host and what must hold of it."""

    name: str
    one_input: Callable[[bytes], None]
    """Raises if a claim about the parser does not hold."""
    seeds: dict[str, bytes]

    @property
    def corpus(self) -> list[Path]:
        """Return the files of its corpus: its seeds, and inputs from fuzzing."""
        return sorted((CORPUS / self.name).iterdir())


def load(name: str) -> Target:
    module = importlib.import_module(f"tests.fuzz.{name}")
    return Target(name=name, one_input=module.one_input, seeds=module.seeds())


def write_seeds() -> None:
    """Write the seeds of every target; files of other names stay."""
    for name in MAX_INPUT_BYTES:
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
        for seed, data in load(name).seeds.items():
            (CORPUS / name / seed).write_bytes(data)


if __name__ == "__main__":
    write_seeds()
