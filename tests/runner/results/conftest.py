"""An evaluation that has ended: scored once, and copied for each test that changes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.store.open_store import open_store
from tests.runner.conftest import ChallengeFolder
from tests.support.ended_evaluation import Ended, ending


@pytest.fixture(scope="session")
def ended_template(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Return an evaluation that no test changes; its store is closed."""
    folder = tmp_path_factory.mktemp("ended")
    challenge = load_challenge(ChallengeFolder(folder / "tiny challenge").describe(Limits()))
    with ending(folder / "store", challenge) as evaluation:
        return evaluation


@pytest.fixture
def ended(ended_template: Ended, tmp_path: Path) -> Iterator[Ended]:
    """Return a copy of the evaluation, to be changed."""
    folder = tmp_path / "store"
    shutil.copytree(ended_template.folder, folder)
    with closing(open_store(folder, create=False)) as store:
        yield replace(ended_template, store=store, folder=folder)
