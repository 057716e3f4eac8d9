"""The score card of each population, reduced to what the report counts, and kept beside the population."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.integrity.methods import BY_HEART
from benchmarks.integrity.populations import REFERENCES, Populations, pick
from scoring.card.levels import flag_level
from scoring.card.make import score_card
from scoring.card.options import CardOptions
from scoring.outputs import Outputs

CONTROLS: Final = 4
"""Control problems of each challenge: the next ones, in the order of their seeds."""
CONTROL_RUNS: Final = 16
FALLBACK: Final = "noisy_finetune-0"
"""What a cheat that knows one challenge by heart does on others: the best of the baselines."""
RETRAINING_FRACTION: Final = 0.65
"""The fraction of retraining that challenges of digits allow by default."""
_SCORER: Final = Path(__file__).parents[2] / "scoring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the report counts of one card."""

    challenge: str
    population: str
    score: float
    quality: float
    share: float | None
    """Share of the ceiling."""
    held_out: float | None
    """Mean held-out epsilon, in nats."""
    joint_auc: float | None
    """Of the support vectors."""
    joint_p: float | None
    fraction: float | None
    """Median processor time of a run as a fraction of retraining; None where nothing was run."""
    controls: int
    """Number of control problems that it was compared with."""
    flags: list[str]
    """Kinds of the flags that are notes."""
    suspected: list[str]
    """Kinds of the flags that are suspicions or problems."""


def card_row(place: Populations, name: str, others: Sequence[Populations] = ()) -> Row:
    """Return the row of a population; it is computed again if a population or the scorer has changed.

    Args:
        place: The challenge.
        name: Of the population.
        others: Challenges that serve as control problems, as far as they have the population that the
            submission leaves there.
    """
    there = FALLBACK if name.rpartition("-")[0] in BY_HEART else name
    controls = [other for other in others if other.has(REFERENCES, there)]
    files = [place.folder / f"{name}.npz", place.folder / f"{name}.json", place.folder / f"{REFERENCES}.npz"]
    files += [other.folder / f"{known}.npz" for other in controls for known in (REFERENCES, there)]
    key = " ".join([*map(_digest, files), _scorer()])
    file = place.folder / "cards" / f"{name}.json"
    if file.is_file():
        stored = json.loads(file.read_text())
        if stored.pop("key") == key:
            return Row(**stored)
    row = _compute(place, name, [(other.load(there), other.load(REFERENCES)) for other in controls])
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"key": key, **asdict(row)}, indent=1) + "\n")
    return row


def _compute(place: Populations, name: str, controls: Sequence[tuple[Outputs, Outputs]]) -> Row:
    unlearned, options = _timed(place, name)
    more: dict[str, Any] = {}
    if controls and "controls" in inspect.signature(score_card).parameters:
        first_runs = np.arange(CONTROL_RUNS)
        more["controls"] = [(pick([runs], first_runs), references) for runs, references in controls]
    card = score_card(unlearned, place.load(REFERENCES), options, **more)
    levels = [(flag.kind, flag_level(flag.kind, flag.sentence)) for flag in card.flags]
    return Row(
        challenge=place.folder.name,
        population=name,
        score=card.published.score,
        quality=card.published.forgetting_quality,
        share=None if card.share_of_ceiling is None else card.share_of_ceiling.estimate,
        held_out=None if card.held_out is None else card.held_out.epsilon_mean,
        joint_auc=None if card.joint is None else card.joint.auc_svm,
        joint_p=None if card.joint is None else card.joint.p_value,
        fraction=fraction_of_retraining(place, name),
        controls=len(more.get("controls", ())),
        flags=sorted({kind for kind, level in levels if level == "note"}),
        suspected=sorted({kind for kind, level in levels if level != "note"}),
    )


def _timed(place: Populations, name: str) -> tuple[Outputs, CardOptions]:
    """Return a population with the times of its runs, and the options with that of a retraining."""
    unlearned, facts = place.load(name), place.facts(name)
    if "processor_seconds" not in facts:
        return unlearned, CardOptions()
    seconds, retraining = np.array(facts["processor_seconds"]), retraining_seconds(facts)
    times: dict[str, Any] = {
        name: seconds for name in ("seconds", "processor_seconds") if name in _names(Outputs)
    }
    options = {
        "retraining_seconds": retraining,
        "retraining_processor_seconds": retraining,
        "retraining_fraction": RETRAINING_FRACTION,
    }
    known: dict[str, Any] = {name: value for name, value in options.items() if name in _names(CardOptions)}
    return replace(unlearned, **times), CardOptions(**known)


def _names(cls: type[Any]) -> set[str]:
    return {field.name for field in fields(cls)}


def retraining_seconds(facts: dict[str, Any]) -> float:
    """Return the processor seconds of a retraining, as timed between a population's runs."""
    return float(np.median(facts["epoch_seconds"])) * int(facts["retraining_epochs"])


def fraction_of_retraining(place: Populations, name: str) -> float | None:
    """Return the median processor time of a population's runs as a fraction of a retraining's."""
    facts = place.facts(name)
    if "processor_seconds" not in facts:
        return None
    return float(np.median(facts["processor_seconds"])) / retraining_seconds(facts)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@cache
def _scorer() -> str:
    """Return a digest of the scorer's source."""
    digest = hashlib.sha256()
    for file in sorted(_SCORER.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
