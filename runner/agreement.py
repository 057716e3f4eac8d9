"""Agreeing on an evaluation's terms: what was agreed on before stands, else it is settled now."""

from __future__ import annotations

from collections.abc import Mapping

from runner.challenge import Challenge
from runner.engine import Engine
from runner.image import Image
from runner.placement import HERE, Placement
from runner.progress import Reporter
from runner.retraining import circumstances, known, timed
from runner.store import Store
from runner.terms import ANY_MACHINE, Terms, terms_of


def agree(
    *,
    engine: Engine,
    image: Image,
    store: Store,
    evaluation: str,
    challenge: Challenge,
    labels: Mapping[str, str],
    reporter: Reporter,
    placement: Placement = HERE,
) -> Terms:
    """Return the terms of an evaluation on this machine, timing retraining where they depend on it.

    Where they do not, what was measured before is noted all the same: the score card tells what part
    of it a run takes.

    Raises:
        ConfigurationError: retraining could not be timed, for the organizer's own network is of no use.
        SandboxError: retraining could not be timed.
    """
    said = challenge.description
    here = circumstances(engine, image, challenge, placement)
    machine = here.key if said.limits.wall_fraction is not None else ANY_MACHINE
    before = store.terms(evaluation, machine)
    if before is not None:
        return Terms.model_validate(before)
    noted = known(here)
    found = (here, noted) if noted is not None else None
    if said.limits.wall_fraction is not None:
        found = timed(
            engine=engine,
            image=image,
            challenge=challenge,
            labels=labels,
            reporter=reporter,
            placement=placement,
        )
    settled = terms_of(said.limits, said.feedback, found)
    return Terms.model_validate(store.agree(evaluation, machine, settled.model_dump(mode="json")))
