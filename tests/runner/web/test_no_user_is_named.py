"""Nothing that everybody may see names the organizer's user, or a folder of that user's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from runner.cli.main import run_words
from runner.contest.service.snapshot import PhaseSnapshot, read_snapshot, snapshot_path
from runner.store.paths import shown_folder
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.leaderboard.made_up import made_up_final
from tests.runner.web.conftest import Site, add_tokens, site_of
from tests.runner.web.test_pages import WHO_SEES_PAGES
from tests.runner.web.test_who_sees import WHO_SEES

ORGANIZER: Final = "zacharias"
PARAMETERS: Final = ({"phase": "feedback", "entry": "1"}, {"phase": "final", "entry": "2"})


def typed(contest: Contest, command: str, *words: object) -> None:
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", *command.split(), str(contest.folder), *map(str, words), *store])


@pytest.fixture
def published(contest_template: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contest:
    """Return a contest in a folder of the organizer's, who has typed all that leads to a published final."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):  # where the name of a user is looked up
        monkeypatch.setenv(name, ORGANIZER)
    home = tmp_path / ORGANIZER
    home.mkdir()
    contest = contest_template.copied(home / "contest")
    add_tokens(contest)
    contest.stores = True
    typed(contest, "team add", "delta")
    typed(contest, "pause", "--reason", "a new disk")
    typed(contest, "resume")
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 6.0")):
        contest.hand_in(team, team, code=code)
    contest.hand_in("beta", "crash", code="CRASH = 1")
    contest.sync()
    contest.work()
    typed(contest, "rejudge start", "--phase", "feedback", "--reason", "to be sure")
    contest.work()
    typed(contest, "rejudge apply", 1, "--reason", "nothing has changed")
    contest.close_choice()
    typed(contest, "final")
    contest.work()
    typed(contest, "final", "--publish", "--reason", "the committee has decided")
    typed(contest, "publish", home / "public")
    return contest


def files_of(contest: Contest) -> Iterator[tuple[str, str]]:
    """Yield all pages and what the service is given to show, by their names."""
    for folder in (contest.folder.parent / "public", shown_folder(contest.store_folder)):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(folder)), file.read_text(encoding="utf-8")


def answers_of(site: Site) -> Iterator[tuple[str, str]]:
    """Yield all that the service answers to strangers and teams, by the paths."""
    for method, template in sorted(WHO_SEES.keys() | WHO_SEES_PAGES.keys()):  # all routes, by another test
        for values in PARAMETERS if method == "GET" else ():
            path = template.format(**values)
            for visitor in ("nobody", "alpha"):
                yield f"{path} of {visitor}", site.ask("GET", path, visitor).text


def test_no_page_names_the_organizers_user(published: Contest) -> None:
    """Neither static pages, nor what the service shows; the audit has the name."""
    with published.store() as store:
        assert ORGANIZER in {act.who for act in store.audit(NAME) if act.act == "final publish"}
    with site_of(published) as site:
        seen = [*files_of(published), *answers_of(site)]
    names = {name for name, _text in seen}
    assert {"feedback/index.html", "final/index.html", "final/results.json", "final.json"} <= names
    assert any(
        "results published" in text for name, text in seen if name == "/phases/final/leaderboard of nobody"
    )
    assert [name for name, text in seen if ORGANIZER in text.lower()] == []


def test_what_an_earlier_version_has_written_names_nobody(contest_template: Contest, tmp_path: Path) -> None:
    """Its file for the service has the name, which is not read."""
    contest = contest_template.copied(tmp_path / "contest")
    before = made_up_final(["alpha", "beta"], who=ORGANIZER)
    snapshot = PhaseSnapshot(
        updated=before.decisions[0].at, submission_bytes=1, board=None, results={}, final=before
    )
    file = snapshot_path(contest.store_folder, "final")
    file.parent.mkdir(exist_ok=True)
    file.write_text(snapshot.model_dump_json())
    assert json.loads(file.read_text())["final"]["decisions"][0]["who"] == ORGANIZER
    read = read_snapshot(contest.store_folder, "final")
    assert read is not None
    assert read.final is not None
    assert [(each.act, each.who) for each in read.final.decisions] == [
        ("final", None),
        ("final publish", None),
    ]
