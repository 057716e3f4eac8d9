"""Everything that is recorded of a competition, as files for an archive or a paper: JSON, and CSV for tables.

Submissions, checkpoints and outputs are not among them; their hashes are. Anonymously, teams have the names
that anonymous leaderboards give them, and no text that a person typed is written: no reason, no file name, no
user. Hashes of submissions stay, so whoever has a submission can recognise its entry.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Final

from runner.competition.competition import COMPETITION_FILE
from runner.contest.audience import anonymous_name
from runner.contest.final import Final as ContestFinal
from runner.contest.finals.results import final_results
from runner.contest.opened import OpenContest
from runner.contest.queue import challenge_sha256
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import read_regular_file
from runner.leaderboard.spreadsheet import spreadsheet_cell
from runner.progress import NullReporter
from runner.store.competition.records import CompetitionEntry, RecordedAct, Team
from runner.store.migrations import HEAD
from runner.store.stored_evaluation import StoredEvaluation

SCHEMA_VERSION: Final = 1
HASHES_FILE: Final = "SHA256SUMS"
_COMPETITION_BYTES: Final = 1 << 20
_TYPED: Final = frozenset({"reason", "warnings", "submission", "problems"})
"""Fields of a summary that may carry words of people or of submissions."""
_ORGANIZER: Final = "organizer"
_JSON_ALONE: Final = frozenset({"run_seeds", "run_outputs_sha256", "decisions"})
"""Fields that are too long, or have parts, for a table."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is written of a competition."""

    contest: OpenContest
    anonymous: bool

    def files(self, now: datetime) -> dict[str, bytes]:
        """Return the content of each file by its name; the last one has the hashes of all others.

        Raises:
            ConfigurationError: a final's results cannot be read.
            HostNotReadyError: the store or ``competition.toml`` cannot be read.
        """
        store, name = self.contest.store, self.contest.name
        entries = store.competition_entries(name, with_pending=True)
        named = {entry.evaluation for entry in entries if entry.evaluation is not None}
        known = {team.name for team in store.teams(name)}
        tables = {
            "teams": [self._team(team) for team in store.teams(name)],
            "entries": [self._entry(entry) for entry in entries],
            "evaluations": [self._evaluation(each) for each in store.evaluations() if each.id in named],
            "audit": [self._act(act, known) for act in store.audit(name)],
            "finals": self._finals(),
            "provenance": self._provenance(),
        }
        files = {COMPETITION_FILE: self._competition_file()}
        for table, rows in tables.items():
            files[f"{table}.json"] = _json(rows)
            files[f"{table}.csv"] = _csv(rows)
        files["export.json"] = _json(
            {
                "schema_version": SCHEMA_VERSION,
                "competition": name,
                "at": now.isoformat(),
                "anonymous": self.anonymous,
                "version": importlib.metadata.version("unlearn"),
                "store_revision": HEAD,
                "rows": {table: len(rows) for table, rows in tables.items()},
                "challenges": {
                    path: challenge_sha256(self.contest.folder / path)
                    for phase in self.contest.competition.phases
                    for path in phase.challenges
                },
            }
        )
        sums = "".join(
            f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in sorted(files.items())
        )
        return {**files, HASHES_FILE: sums.encode()}

    def _name(self, team: str) -> str:
        if not self.anonymous:
            return team
        return anonymous_name(self.contest.store.competition_secret(self.contest.name), team)

    def _competition_file(self) -> bytes:
        file = self.contest.folder / COMPETITION_FILE
        try:
            return read_regular_file(file, max_bytes=_COMPETITION_BYTES)
        except OSError as error:
            raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error

    def _team(self, team: Team) -> Row:
        return {
            "name": self._name(team.name),
            "created": team.created.isoformat(),
            "revoked": None if team.revoked is None else team.revoked.isoformat(),
            "merged_into": None if team.merged_into is None else self._name(team.merged_into),
            "deleted": None if team.deleted is None else team.deleted.isoformat(),
        }

    def _entry(self, entry: CompetitionEntry) -> Row:
        row = {**entry.to_json(), "bytes": entry.bytes, "team": self._name(entry.team)}
        if self.anonymous:
            row |= {"file": f"entry-{entry.id}{_suffix(entry.file_name)}", "reason": None}
        return row

    def _evaluation(self, evaluation: StoredEvaluation) -> Row:
        summary: Mapping[str, Any] | None = evaluation.summary
        if summary is not None and self.anonymous:
            summary = {key: value for key, value in summary.items() if key not in _TYPED}
        return {
            "evaluation": evaluation.id,
            "submission": None if self.anonymous else evaluation.submission,
            "submission_sha256": evaluation.submission_sha256,
            "challenge": evaluation.challenge,
            "challenge_sha256": evaluation.challenge_sha256,
            "image": evaluation.image,
            "runs": evaluation.n,
            "started_at": evaluation.started_at.isoformat(),
            "seconds": evaluation.seconds,
            "manifest_sha256": evaluation.manifest_sha256,
            "summary": summary,
        }

    def _act(self, act: RecordedAct, teams: set[str]) -> Row:
        row: Row = {
            "at": act.at.isoformat(),
            "who": act.who,
            "act": act.act,
            "subject": act.subject,
            "reason": act.reason,
        }
        if self.anonymous:
            # A user of this host may have the name of a team: only acts that teams do name one.
            by_team = act.act in ("cancel", "choose") and act.who in teams
            row["who"] = self._name(act.who) if by_team else _ORGANIZER
            row["subject"] = self._name(act.subject) if act.subject in teams else act.subject
            row["reason"] = None
        return row

    def _finals(self) -> list[Row]:
        rows: list[Row] = []
        for final in self._queued_finals():
            results = final_results(final, NullReporter())
            by_rule = results.model_dump(mode="json", exclude={"rows", "decisions", "challenges", "remarks"})
            rows += [{**by_rule, **self._standing(row.model_dump(mode="json"))} for row in results.rows]
        return rows

    def _standing(self, row: Row) -> Row:
        evaluations = row.pop("evaluations")
        return {
            **row,
            "team": self._name(row["team"]),
            "evaluations": [each and each["evaluation"] for each in evaluations],
        }

    def _provenance(self) -> list[Row]:
        """Return what each value of a final rests on, with the seeds and outputs of all runs."""
        rows: list[Row] = []
        for final in self._queued_finals():
            results = final_results(final, NullReporter())
            acts = [
                {
                    "act": each.act,
                    "who": _ORGANIZER if self.anonymous else each.who,
                    "at": each.at.isoformat(),
                }
                for each in results.decisions
            ]
            for row in results.rows:
                for challenge, each in zip(results.challenges, row.evaluations, strict=True):
                    if each is None or each.evaluation is None:
                        continue
                    runs = self.contest.store.runs(each.evaluation)
                    rows.append(
                        {
                            "phase": results.phase,
                            "team": self._name(row.team),
                            "entry": row.entry,
                            "challenge": challenge.name,
                            "challenge_sha256": challenge.sha256,
                            **each.model_dump(mode="json"),
                            "run_seeds": [run.seed for run in runs],
                            "run_outputs_sha256": [run.outputs_sha256 for run in runs],
                            "decisions": acts,
                        }
                    )
        return rows

    def _queued_finals(self) -> list[ContestFinal]:
        finals = [
            ContestFinal(contest=self.contest, phase=phase)
            for phase in self.contest.competition.phases
            if phase.kind == "final"
        ]
        return [final for final in finals if final.is_queued]


def _suffix(file_name: str) -> str:
    suffix = PurePath(file_name).suffix
    return suffix if suffix in (".zip", ".py") else ""


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode()


def _csv(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV, with a column for each field and for each field of a summary that is one value."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([spreadsheet_cell(row.get(column)) for column in columns] for row in flat)
    return text.getvalue().encode("utf-8", "replace")


def _flat(row: Row) -> Row:
    flat: Row = {}
    for key, value in row.items():
        if key in _JSON_ALONE:
            continue
        if isinstance(value, Mapping):
            flat |= {f"{key}_{name}": each for name, each in value.items() if _is_scalar(each)}
        elif isinstance(value, list):
            flat |= {f"{key}_{at}": each for at, each in enumerate(value, start=1)}
        else:
            flat[key] = value
    return flat


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def write_export(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a new folder, which appears whole or not at all.

    Raises:
        ConfigurationError: it exists.
        HostNotReadyError: it cannot be written.
    """
    staging: Path | None = None
    try:
        if folder.exists() or folder.is_symlink():
            raise ConfigurationError(f"{folder} exists; name a folder that does not.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".unlearn-export-", dir=folder.parent))
        for name, data in files.items():
            (staging / name).write_bytes(data)
        staging.rename(folder)
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        if staging is not None and staging.exists():
            shutil.rmtree(staging)
