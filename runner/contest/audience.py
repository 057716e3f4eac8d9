"""What participants see of boards, as far as no board is needed to know it: names, and what is left out."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.times import local_text

_ANONYMOUS_CHARACTERS: Final = 8


def frozen_remarks(competition: Competition, phase: Phase, now: datetime) -> list[str]:
    """Return sentences on what the board of a phase leaves out for participants."""
    if not phase.leaderboard.shown:
        return ["The scores of this phase are not shown."]
    freezes = competition.freezes(phase)
    if freezes is not None and now >= freezes:
        at = local_text(freezes, competition.zone)
        return [f"Frozen: entries received from {at} on are not shown."]
    return []


def anonymous_name(secret: str, team: str) -> str:
    """Return the name of a team on anonymous boards: always the same, and nobody can compute it."""
    digest = hmac.new(secret.encode(), team.encode(), hashlib.sha256).hexdigest()
    return f"team-{digest[:_ANONYMOUS_CHARACTERS]}"
