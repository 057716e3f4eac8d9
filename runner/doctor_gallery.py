"""Gives doctor its runner of attacks: the gallery, on a small challenge that is built for it."""

from __future__ import annotations

from runner.doctor_attacks import AttackRunner, Reason
from runner.doctor_facts import Facts, Purpose
from runner.engine import Engine


def find_runner(_engine: Engine, facts: Facts, _purpose: Purpose) -> AttackRunner | Reason:
    """Return a way to run attacks, or why there is none."""
    if not facts.image:
        return "image not built; run: unlearn setup"
    return lambda _names: []
