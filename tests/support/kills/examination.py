"""What must hold of a contest's rows and files once everything has ended, whatever was killed before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from runner.challenge.load import load_challenge
from runner.competition.states import EntryState
from runner.contest.service.snapshot import read_snapshot
from runner.results.verification import verify_evaluation
from runner.store.competition.records import CompetitionEntry
from runner.store.paths import archive_path, uploads_folder
from runner.store.store import Store
from runner.web.intake.uploads import KEPT_SECONDS, sweep_uploads
from tests.runner.contest.conftest import NAME, Contest
from tests.support.kills.clients import ENDS, WebTeam

_VERIFIED: Final = 20
"""Evaluations that are scored again, which takes a second for each."""


def examine(
    contest: Contest,
    web_teams: Sequence[WebTeam],
    folder_teams: Sequence[str],
    *,
    quota: int,
    runs: int,
    problems: list[str],
) -> None:
    """Append what is wrong: lost, doubled or stuck entries, quotas that are not exact, files that are not whole.

    Args:
        contest: In which nothing is on its way any more.
        web_teams: That have used up their quota over the web.
        folder_teams: That have used it up by files in their folders.
        quota: Entries of a team that count.
        runs: Of an evaluation.
        problems: What is wrong.
    """
    with contest.store() as store:
        entries = store.competition_entries(NAME)
        problems += _counts(entries, {*(team.name for team in web_teams), *folder_teams}, quota)
        for team in web_teams:
            own = [entry for entry in entries if entry.team == team.name]
            problems += _acknowledgements(team, own)
        problems += _folders(contest, [entry for entry in entries if entry.team in folder_teams])
        for entry in entries:
            problems += _entry(contest, store, entry, runs)
        problems += _verified(contest, store, entries)
        problems += _shown(contest, entries)
        problems += _left_over(contest, store)


def _counts(entries: Sequence[CompetitionEntry], teams: Collection[str], quota: int) -> Iterator[str]:
    scored = Counter(entry.team for entry in entries if entry.state is EntryState.SCORED)
    for team in teams:
        if scored[team] != quota:
            yield f"{team} has {scored[team]} entries that count, not {quota}"
    for team in {entry.team for entry in entries} - set(teams):
        yield f"{team} has entries, and has handed in nothing"
    for key, count in Counter(entry.idempotency_key for entry in entries).items():
        if key is not None and count > 1:
            yield f"{count} entries have the same key"


def _acknowledgements(team: WebTeam, entries: Sequence[CompetitionEntry]) -> Iterator[str]:
    """Compare what a team was told with what there is: every answer was final."""
    there = {entry.id: entry for entry in entries}
    told = {each.entry: each for each in team.acknowledged}
    if len(told) != len(team.acknowledged):
        yield f"{team.name} was told of one entry for several files"
    for number in told.keys() - there.keys():
        yield f"entry {number} of {team.name} is lost"
    for number in there.keys() - told.keys():
        was_refused = there[number].upload_sha256 in team.refused
        yield f"entry {number} of {team.name} was {'refused' if was_refused else 'never acknowledged'}"
    for number in told.keys() & there.keys():
        each, entry = told[number], there[number]
        if entry.upload_sha256 != each.sha256:
            yield f"entry {number} of {team.name} is of another file"
        if entry.state is not ENDS[each.kind]:
            yield f"entry {number} of {team.name}, {each.kind}, is {entry.state}: {entry.reason}"


def _folders(contest: Contest, entries: Sequence[CompetitionEntry]) -> Iterator[str]:
    """Require that each file in a folder is one entry at most, and has ended as it must."""
    for (team, file), count in Counter((entry.team, entry.file_name) for entry in entries).items():
        if count > 1:
            yield f"{file} of {team} is {count} entries"
    for entry in entries:
        for kind, state in ENDS.items():
            if f"-{kind}." in entry.file_name and entry.state is not state:
                yield f"entry {entry.id}, {kind}, is {entry.state}: {entry.reason}"
    if any(file.is_new for file in contest.sync()):
        yield "a file was taken after the quota was used"


def _entry(contest: Contest, store: Store, entry: CompetitionEntry, runs: int) -> Iterator[str]:
    """Require that an entry has its bytes, no attempt that has failed, and a whole evaluation."""
    if entry.attempts:
        yield f"entry {entry.id} has {entry.attempts} failed attempts"
    if entry.state not in (EntryState.SCORED, EntryState.FAILED):
        return
    archive = archive_path(contest.store_folder, entry.archive_sha256 or "")
    if not archive.is_file() or hashlib.sha256(archive.read_bytes()).hexdigest() != entry.archive_sha256:
        yield f"entry {entry.id} has no whole archive"
    evaluation = store.find_evaluation(entry.evaluation or "")
    if evaluation is None or evaluation.summary is None:
        yield f"entry {entry.id} has no evaluation that has ended"
        return
    recorded = store.runs(evaluation.id)
    indices = [run.index for run in recorded]
    if sorted(indices) != list(range(runs if entry.state is EntryState.SCORED else len(indices))):
        yield f"entry {entry.id} has the runs {indices}"
    yield from (
        f"{file.name} of entry {entry.id} is left"
        for file in (contest.store_folder / evaluation.id).rglob("*.part*")
    )


def _verified(contest: Contest, store: Store, entries: Sequence[CompetitionEntry]) -> Iterator[str]:
    """Verify the evaluations that were interrupted most often, as `unlearn verify` does."""
    names = {entry.evaluation for entry in entries if entry.state is EntryState.SCORED and entry.evaluation}
    challenge = load_challenge(contest.folder / "feedback")
    for name in sorted(names, key=lambda each: -len(store.attempts(each)))[:_VERIFIED]:
        for line in verify_evaluation(store, contest.store_folder, name, challenge).mismatches:
            yield f"evaluation {name}: {line}"


def _shown(contest: Contest, entries: Sequence[CompetitionEntry]) -> Iterator[str]:
    """Require that the web service shows the result of each entry, as the last publication left it."""
    ended = {entry.id for entry in entries if entry.state in (EntryState.SCORED, EntryState.FAILED)}
    snapshot = read_snapshot(contest.store_folder, "feedback")
    missing = ended - (set() if snapshot is None else set(snapshot.results))
    if missing:
        yield f"the results of entries {sorted(missing)} are not shown"


def _left_over(contest: Contest, store: Store) -> Iterator[str]:
    """Require that no upload is needed any more, and that a sweep removes the rest a day later."""
    if needed := store.needed_uploads():
        yield f"{len(needed)} uploads are still needed"
    folder = uploads_folder(contest.store_folder)
    sweep_uploads(folder, frozenset(), now=contest.folder.stat().st_mtime + 365 * KEPT_SECONDS)
    if left := list(folder.iterdir()):
        yield f"{len(left)} files are left in uploads/"
