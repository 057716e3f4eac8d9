"""The view of an evaluation in a store, and where an evaluation that is named is stored.

Checks are stored in the user's cache, evaluations in the folder of ``--store``: a name is looked up in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from runner.cli.console import print_note
from runner.errors import ConfigurationError, HostNotReadyError
from runner.evaluation.check import check_store_folder
from runner.files import read_stored_file
from runner.reports.views.make import make_view
from runner.reports.views.model import EvaluationView
from runner.results.view import MIN_SCORED_RUNS
from runner.store.databases.address import has_rows
from runner.store.entries.naming import LAST
from runner.store.entries.records import Entry
from runner.store.listing import no_store_sentence
from runner.store.open_store import open_store
from runner.store.paths import DEFAULT_STORE, MAX_LOG_BYTES, EvaluationPaths
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEvaluation:
    """An evaluation, and the store that has it."""

    store: Store
    folder: Path
    """Of the store."""
    name: str

    @property
    def typed_store(self) -> Path:
        """Return what a command about it must name as its store: none for a check, which all of them find."""
        return DEFAULT_STORE if self.folder == check_store_folder() else self.folder

    @property
    def paths(self) -> EvaluationPaths:
        """Return the paths of its files."""
        return EvaluationPaths(folder=self.folder / self.name)

    def log(self, index: int) -> str:
        """Return what a run printed and raised; empty if it printed nothing."""
        try:
            content = read_stored_file(self.paths.log(index), max_bytes=MAX_LOG_BYTES)
        except FileNotFoundError:
            return ""
        return content.decode("utf-8", errors="replace")

    def view(self, entry: Entry | None = None, *, memory_limit_bytes: int | None = None) -> EvaluationView:
        """Return the view of the evaluation under the name and path of an entry; unfiltered.

        ``memory_limit_bytes`` is that of a run, if it is known.
        """
        return make_view(
            evaluation=self.store.evaluation(self.name),
            runs=self.store.runs(self.name),
            terms=self.store.all_terms(self.name),
            log=self.log,
            name=entry.name if entry is not None else None,
            path=entry.path if entry is not None else None,
            memory_limit_bytes=memory_limit_bytes,
        )


class _UnusableStoreError(ConfigurationError):
    """The store that was named is there and cannot be used, so no check may answer in its place."""


def _opened(place: Path, folder: Path) -> Store:
    """Open a store; ``folder`` is that of the one that was named."""
    try:
        return open_store(place, create=False)
    except ConfigurationError as error:
        if place == folder and has_rows(folder):
            raise _UnusableStoreError(str(error)) from error
        raise


def _say_if_missing(folder: Path, answering: Path) -> None:
    """Say that a check answers, where the store that was named does not exist: its name may be mistyped."""
    if folder not in (answering, DEFAULT_STORE) and not has_rows(folder):
        print_note(f"{no_store_sentence(folder)} This is a check, which your cache keeps.")


def find_named(word: str, folder: Path, checks: Path | None = None) -> NamedEvaluation:
    """Return the evaluation that a word names, in a store or among the checks.

    Args:
        word: As `runner.store.entries.naming` reads it; ``last`` is the newest of both.
        folder: Of the store.
        checks: Folder of the store of checks; the user's by default.

    Raises:
        ConfigurationError: it names none, or more than one; or the store is damaged.
        HostNotReadyError: the store cannot be read.
    """
    checks = checks or check_store_folder()
    matches: list[NamedEvaluation] = []
    refusals: list[ConfigurationError] = []
    for each in dict.fromkeys((folder, checks)):
        if each != folder and not has_rows(each):
            continue
        try:
            store = _opened(each, folder)
            matches.append(NamedEvaluation(store=store, folder=each, name=store.find(word)))
        except _UnusableStoreError:
            raise
        except ConfigurationError as error:
            refusals.append(error)
        except HostNotReadyError:  # a store of checks that cannot be read, such as one of a later version
            if each == folder:
                raise
    if not matches:
        if len(refusals) > 1:
            raise ConfigurationError(f"{refusals[0]} (and no check has this name)")
        raise refusals[0]
    _say_if_missing(folder, matches[0].folder)
    if word == LAST:
        return max(matches, key=lambda match: match.store.evaluation(match.name).started_at)
    return matches[0]


def find_to_compare(words: Sequence[str], folder: Path, checks: Path | None = None) -> tuple[Path, list[str]]:
    """Return the store that has all evaluations which the words name, and their names there.

    A submission's name or path means its newest evaluation with enough runs for a score, if there is one:
    after ``check --score`` that is the scored one, whatever was checked since.

    Args:
        words: As `find_named` reads each.
        folder: Of the store.
        checks: Folder of the store of checks, which is looked at next; the user's by default.

    Raises:
        ConfigurationError: neither store has all of them.
        HostNotReadyError: the store cannot be read.
    """
    checks = checks or check_store_folder()
    refusal: ConfigurationError | None = None
    for each in dict.fromkeys((folder, checks)):
        if each != folder and not has_rows(each):
            continue
        try:
            with closing(_opened(each, folder)) as store:
                names = [_with_enough_runs(store, word) for word in words]
                _say_if_missing(folder, each)
                return each, names
        except _UnusableStoreError:
            raise
        except ConfigurationError as error:
            refusal = refusal or error
        except HostNotReadyError:
            if each == folder:
                raise
    assert refusal is not None
    raise refusal


def _with_enough_runs(store: Store, word: str) -> str:
    name = store.find(word)
    entries = store.entries_of(name)
    if word == LAST or name.startswith(word) or not entries:
        return name
    same = [
        entry.evaluation
        for entry in reversed(store.entries())
        if (entry.name, entry.path, entry.folder) == (entries[-1].name, entries[-1].path, entries[-1].folder)
    ]
    enough = (each for each in same if each is not None and store.evaluation(each).n >= MIN_SCORED_RUNS)
    return next(enough, name)
