"""A competition in the hostile store: long and hostile names of files, reasons and people."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import tomli_w

from runner.competition.competition import COMPETITION_FILE
from runner.competition.intake import Intake
from runner.competition.scopes import TEAM_SCOPES
from runner.competition.states import EntryState
from runner.store.competition.records import Act, NewCompetitionEntry
from runner.store.open_store import open_store
from tests.support.screens.store import ESCAPES, LONG, NAMES, WIDE

_NAME: Final = f"[bold]{WIDE}[/bold]"
_CHECKED: Final = (EntryState.CHECKING, EntryState.QUEUED)
_STEPS: Final = (
    _CHECKED,
    (*_CHECKED, EntryState.RUNNING, EntryState.SCORING, EntryState.SCORED),
    (*_CHECKED, EntryState.HELD),
    (EntryState.CHECKING, EntryState.REFUSED),
)


def contest_of(folder: Path) -> Path:
    """Return the folder of a competition whose rows are in the store at ``folder``."""
    contest = folder.parent / "contest"
    if contest.exists():
        return contest
    contest.mkdir()
    dates = {"opens": datetime(2020, 1, 1), "closes": datetime(2100, 1, 1)}  # noqa: DTZ001 - local times
    final = {"entries_from": "feedback", "choose_by": datetime(2100, 1, 1)}  # noqa: DTZ001 - the same
    fields = {
        "schema_version": 1,
        "name": _NAME,
        "time_zone": "AoE",
        "phases": [
            {"name": "feedback", "kind": "feedback", "challenges": ["a"], "runs": 16, **dates},
            {"name": "f" * 40, "kind": "final", "challenges": [LONG], "runs": 16, **dates, "final": final},
        ],
    }
    (contest / COMPETITION_FILE).write_text(tomli_w.dumps(fields))
    with closing(open_store(folder, create=False)) as store:
        for team, act in (("t" * 40, ESCAPES), ("short", LONG)):
            store.add_team(_NAME, team, token_sha256=None, who=ESCAPES)
            store.add_token(
                _NAME,
                team,
                sha256=team[0] * 64,
                scopes=TEAM_SCOPES,
                expires=datetime(2100, 1, 1, tzinfo=UTC),
                act=Act(who=ESCAPES, act="token", subject=team),
            )
            store.add_act(_NAME, Act(who=LONG, act="withdraw", subject=act, reason=ESCAPES))
            for number in range(24):
                entry = NewCompetitionEntry(
                    competition=_NAME,
                    phase="feedback",
                    team=team,
                    file_name=NAMES[number % len(NAMES)],
                    archive_sha256="a" * 64,
                    bytes=1,
                    challenge="a",
                )
                steps = _STEPS[number % len(_STEPS)]
                store.take_entry(
                    entry,
                    lambda _past, _now: Intake(state=EntryState.RECEIVED),
                    steps=steps,
                    reason=f"{ESCAPES} {LONG}",
                )
        store.add_act(_NAME, Act(who="me", act="final", subject="f" * 40))
    return contest
