"""The folder of populations: ``digits-SEED/NAME.npz`` beside ``NAME.json``.

A file appears only when it is complete, so that whoever finds it may use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.outputs import Outputs, load_outputs, save_outputs

REFERENCES = "references"
TIMED_RUNS: Final = 8
"""Runs of ``from_scratch`` whose time is measured. Its outputs would only differ in their seeds from those of
fresh networks, which are made in a third of the time, and so the last of these are taken."""


@dataclass(frozen=True, slots=True)
class Populations:
    """The populations of one challenge."""

    folder: Path
    """Its name is that of the challenge."""

    def has(self, *names: str) -> bool:
        """Return whether all these populations exist."""
        return all((self.folder / f"{name}.npz").is_file() for name in names)

    def names(self) -> list[str]:
        """Return the names of all populations, in alphabetical order."""
        return sorted(file.stem for file in self.folder.glob("*.npz"))

    def load(self, name: str) -> Outputs:
        """Return the outputs of a population."""
        return load_outputs(self.folder / f"{name}.npz")

    def facts(self, name: str) -> dict[str, Any]:
        """Return the side file of a population: its method, and the processor seconds of each run."""
        facts: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return facts

    def save(self, name: str, outputs: Outputs, **facts: object) -> None:
        """Write a population and its side file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.json").write_text(json.dumps(facts) + "\n")
        unfinished = self.folder / f".{name}.unfinished"
        with unfinished.open("wb") as file:
            save_outputs(outputs, file)
        unfinished.rename(self.folder / f"{name}.npz")


def challenges(folder: Path) -> Iterator[Populations]:
    """Yield the challenges whose references exist, by data set and seed."""
    found = [Populations(place) for place in folder.glob("*-*") if Populations(place).has(REFERENCES)]
    yield from sorted(found, key=lambda place: seed_of(place.folder.name))


def seed_of(name: str) -> tuple[str, int]:
    """Return data set and seed of a challenge's name."""
    data_set, _dash, seed = name.rpartition("-")
    return data_set, int(seed)


def join(parts: list[Outputs]) -> Outputs:
    """Return several populations of one challenge as one."""
    return pick(parts, np.arange(sum(part.models for part in parts)))


def pick(parts: list[Outputs], rows: NDArray[np.intp]) -> Outputs:
    """Return some models of several populations of one challenge, counted through all of them."""
    first = parts[0]
    losses = [part.unseen_losses for part in parts if part.unseen_losses is not None]
    return Outputs(
        logits=np.concatenate([part.logits for part in parts])[rows],
        labels=first.labels,
        correct=np.concatenate([part.correct for part in parts])[rows],
        class_counts=first.class_counts,
        unseen_losses=np.concatenate(losses)[rows] if len(losses) == len(parts) else None,
    )
