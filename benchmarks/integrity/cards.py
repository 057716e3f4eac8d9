"""The score card of each population, reduced to what the report counts, and kept beside the population."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.integrity.populations import REFERENCES, Populations
from scoring.card.levels import flag_level
from scoring.card.make import score_card

_SCORER = Path(__file__).parents[2] / "scoring"


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
    flags: list[str]
    """Kinds of the flags that are notes."""
    suspected: list[str]
    """Kinds of the flags that are suspicions or problems."""


def card_row(place: Populations, name: str) -> Row:
    """Return the row of a population; it is computed again if the population or the scorer has changed."""
    file = place.folder / "cards" / f"{name}.json"
    key = f"{_digest(place.folder / f'{name}.npz')} {_digest(place.folder / f'{REFERENCES}.npz')} {_scorer()}"
    if file.is_file():
        stored = json.loads(file.read_text())
        if stored.pop("key") == key:
            return Row(**stored)
    row = _compute(place, name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"key": key, **asdict(row)}, indent=1) + "\n")
    return row


def _compute(place: Populations, name: str) -> Row:
    card = score_card(place.load(name), place.load(REFERENCES))
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
        flags=sorted({kind for kind, level in levels if level == "note"}),
        suspected=sorted({kind for kind, level in levels if level != "note"}),
    )


def fraction_of_retraining(place: Populations, name: str) -> float | None:
    """Return the median processor time of a population's runs as a fraction of a retraining's."""
    facts = place.facts(name)
    if "processor_seconds" not in facts:
        return None
    retraining = float(np.median(facts["epoch_seconds"])) * int(facts["retraining_epochs"])
    return float(np.median(facts["processor_seconds"])) / retraining


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@cache
def _scorer() -> str:
    """Return a digest of the scorer's source."""
    digest = hashlib.sha256()
    for file in sorted(_SCORER.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
