"""A competition with its store: what every command on it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.competition.competition import Competition
from runner.competition.load import load_competition
from runner.competition.phase import Phase
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenContest:
    """A competition and its open store."""

    folder: Path
    """Of the competition; from it start the paths of its challenges."""
    competition: Competition
    store_folder: Path
    store: Store

    @property
    def name(self) -> str:
        """Return the competition's name, under which all its rows are stored."""
        return self.competition.name

    def phase(self, name: str) -> Phase:
        """Return a phase.

        Raises:
            ConfigurationError: there is none of this name.
        """
        try:
            return self.competition.phase(name)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error


@contextmanager
def open_contest(folder: Path, store_folder: Path) -> Iterator[OpenContest]:
    """Yield a competition with its store, which is created if there is none.

    Raises:
        ConfigurationError: there is no valid competition.
        HostNotReadyError: the store cannot be opened.
    """
    competition = load_competition(folder)
    with closing(open_store(store_folder, create=True)) as store:
        yield OpenContest(folder=folder, competition=competition, store_folder=store_folder, store=store)
