"""Remove files of ended entries that are past their days: archives, outputs, checkpoints; no rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.competition.retention import KINDS, EndedEntry, Kind, is_past, reasons_to_keep
from runner.contest.board import phase_board
from runner.contest.opened import OpenContest
from runner.contest.service.checker import lease_of
from runner.errors import BusyError, HostNotReadyError
from runner.progress import Reporter
from runner.store.competition.records import Act, CompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.paths import EvaluationPaths, archive_path
from runner.units import size_text
from runner.wording import quantity

RETENTION_ACT = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Files of one kind that nothing needs any more, of one evaluation or one archive."""

    kind: Kind
    phase: str
    entries: tuple[int, ...]
    """Numbers of the entries that they belong to."""
    evaluation: str | None
    """Whose files they are; None of an archive."""
    files: tuple[Path, ...]
    bytes: int
    """That removing them frees: none of a file that has another link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningPlan:
    """What is past its days, and what is kept all the same."""

    expired: Sequence[Expired]
    still_needed: Mapping[str, int]
    """Entries that are past some of their days and are kept, by the reason."""


def cleaning_plan(contest: OpenContest, now: datetime) -> CleaningPlan:
    """Return what may be removed; nothing is changed.

    Args:
        contest: The competition and its store.
        now: The present moment.

    Raises:
        HostNotReadyError: the store cannot be read.
    """
    store, name = contest.store, contest.name
    phases = {phase.name: phase for phase in contest.competition.phases}
    entries = store.competition_entries(name, with_pending=True)
    scores = {
        stored.id: stored.summary.get("score") for stored in store.evaluations() if stored.summary is not None
    }
    finals = [phase.name for phase in contest.competition.phases if phase.kind == "final"]
    chosen = {entry for final in finals for choice in store.choices(name, final).values() for entry in choice}
    needed = reasons_to_keep([_ended(entry, scores) for entry in entries], chosen, finals)
    past = {
        (entry.id, kind)
        for entry in entries
        for kind in KINDS
        if entry.phase in phases and is_past(contest.competition, phases[entry.phase], kind, now)
    }
    still_needed = Counter(
        needed[entry.id]
        for entry in entries
        if entry.id in needed and any((entry.id, kind) in past for kind in KINDS)
    )

    def may_go(kind: Kind, users: Sequence[CompetitionEntry]) -> bool:
        return all(entry.id not in needed and (entry.id, kind) in past for entry in users)

    expired = [*_archives(contest, entries, may_go), *_files_of_evaluations(contest, entries, may_go)]
    return CleaningPlan(expired=expired, still_needed=dict(still_needed))


def clean(
    contest: OpenContest, plan: CleaningPlan, reporter: Reporter, *, who: str, now: datetime
) -> list[Expired]:
    """Remove what a plan names, and record it in the audit; return what is needed or in use at the moment.

    What leaderboards compare is computed first, where it is not stored yet: it needs outputs.

    Args:
        contest: The competition and its store.
        plan: That was made just now.
        reporter: Receives the progress.
        who: For the audit.
        now: The moment of the plan.

    Raises:
        BusyError: entries are being checked by another process.
        ConfigurationError: a challenge is needed for that and cannot be read.
        HostNotReadyError: the store cannot be written, or a file cannot be removed.
    """
    of_outputs = {each.phase for each in plan.expired if each.kind == "outputs"}
    for phase in contest.competition.phases:
        if phase.name in of_outputs and phase.kind != "final":
            phase_board(contest, phase, reporter)
    # What was handed in meanwhile may need an archive; nothing is queued by the checker from here on.
    with evaluation_lease(contest.store.database, contest.store_folder, lease_of(contest.name)):
        still = {_name(each) for each in cleaning_plan(contest, now).expired}
        busy = [each for each in plan.expired if _name(each) not in still]
        for kind in KINDS:
            removed: list[Expired] = []
            try:
                for each in plan.expired:
                    if each.kind == kind and _name(each) in still:
                        removed.append(each)
                        if not _remove(contest, each):
                            busy.append(removed.pop())
            finally:  # also what was removed in part is recorded
                if removed:
                    _record(contest, kind, removed, who)
    return busy


def _name(expired: Expired) -> tuple[Kind, str | None, tuple[int, ...]]:
    return expired.kind, expired.evaluation, expired.entries


_MayGo = Callable[[Kind, Sequence[CompetitionEntry]], bool]
"""Returns whether none of these entries needs its files of a kind."""


def _archives(contest: OpenContest, entries: Sequence[CompetitionEntry], may_go: _MayGo) -> Iterator[Expired]:
    """Yield archives that only entries have which do not need them, and no other evaluation."""
    store = contest.store
    foreign = store.archives_used_elsewhere(contest.name)
    for sha256, users in _by(entries, lambda entry: entry.archive_sha256).items():
        file = archive_path(contest.store_folder, sha256)
        if sha256 in foreign or not may_go("uploads", users) or not file.is_file():
            continue
        yield _expired("uploads", users, None, [file])


def _files_of_evaluations(
    contest: OpenContest, entries: Sequence[CompetitionEntry], may_go: _MayGo
) -> Iterator[Expired]:
    """Yield outputs and checkpoints of evaluations that only entries have which do not need them."""
    store = contest.store
    foreign = store.evaluations_used_elsewhere(contest.name)
    for name, users in _by(entries, lambda entry: entry.evaluation).items():
        if name in foreign:
            continue
        whole = EvaluationPaths(folder=contest.store_folder / name)
        parts = [whole, *(whole.control(part.id) for part in store.controls_of(name))]
        places: tuple[tuple[Kind, list[Path]], ...] = (
            ("outputs", [part.outputs(0).parent for part in parts]),
            ("checkpoints", [part.checkpoint(0).parent for part in parts]),
        )
        for kind, folders in places:
            files = [
                file
                for folder in folders
                if folder.is_dir() and not folder.is_symlink()
                for file in sorted(folder.iterdir())
            ]
            if files and may_go(kind, users):
                yield _expired(kind, users, name, files)


def _by(
    entries: Sequence[CompetitionEntry], key: Callable[[CompetitionEntry], str | None]
) -> dict[str, list[CompetitionEntry]]:
    groups: dict[str, list[CompetitionEntry]] = {}
    for entry in entries:
        if (value := key(entry)) is not None:
            groups.setdefault(value, []).append(entry)
    return groups


def _expired(
    kind: Kind, users: Sequence[CompetitionEntry], evaluation: str | None, files: Sequence[Path]
) -> Expired:
    return Expired(
        kind=kind,
        phase=users[0].phase,
        entries=tuple(entry.id for entry in users),
        evaluation=evaluation,
        files=tuple(files),
        bytes=sum(_freed(file) for file in files),
    )


def _freed(file: Path) -> int:
    try:
        status = file.lstat()
    except OSError:
        return 0
    return status.st_size if status.st_nlink == 1 else 0


def _remove(contest: OpenContest, expired: Expired) -> bool:
    """Remove files; return False where a process works on their evaluation."""
    try:
        with (
            nullcontext()
            if expired.evaluation is None
            else evaluation_lease(contest.store.database, contest.store_folder, expired.evaluation)
        ):
            for file in expired.files:
                file.unlink(missing_ok=True)
    except BusyError:
        return False
    except OSError as error:
        raise HostNotReadyError(f"{error.filename} cannot be removed: {error.strerror}.") from error
    return True


def _record(contest: OpenContest, kind: Kind, removed: Sequence[Expired], who: str) -> None:
    numbers = sorted({number for each in removed for number in each.entries})
    size = size_text(sum(each.bytes for each in removed))
    files = sum(len(each.files) for each in removed)
    days = getattr(contest.competition.retention, f"{kind}_days")
    reason = (
        f"kept for {quantity(days, 'day')}; {quantity(files, 'file')}, {size}, "
        f"of {quantity(len(numbers), 'entry', 'entries')}: {', '.join(map(str, numbers))}"
    )
    contest.store.add_act(contest.name, Act(who=who, act=RETENTION_ACT, subject=kind, reason=reason))


def _ended(entry: CompetitionEntry, scores: Mapping[str, float | None]) -> EndedEntry:
    return EndedEntry(
        entry=entry.id,
        team=entry.team,
        phase=entry.phase,
        state=entry.state,
        score=scores.get(entry.evaluation or ""),
        source=entry.source,
        batch=entry.batch,
    )
