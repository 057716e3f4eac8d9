"""Of a hundred files at once for one last place, one is taken: over HTTP, on each database."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from benchmarks.scale.intake import one_place_left
from runner.store.paths import uploads_folder
from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import token_of
from tests.support.databases.fixtures import DATABASES
from tests.support.web.service import web_service


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", DATABASES)
def test_a_hundred_at_once(web_contest: Contest, database: str) -> None:
    """The others are told that the quota is used, and leave neither a row nor a file."""
    web_contest.phase_fields()["quota"] = {"total": 1}
    web_contest.write()
    with web_service(web_contest.folder, web_contest.store_folder) as service:
        statuses = asyncio.run(one_place_left(service.address, token_of("alpha"), 100))
    assert Counter(statuses) == {201: 1, 429: 99}
    (entry,) = web_contest.entries()
    files = [file.name for file in uploads_folder(web_contest.store_folder).iterdir()]
    assert files == [entry.upload]
    assert (web_contest.store_folder / "store.toml").exists() == (database != "sqlite")
