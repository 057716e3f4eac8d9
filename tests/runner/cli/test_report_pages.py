"""`show --html`, `--markdown`, `compare --html` and `run --html`: where pages go, and what is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.cli.interface.report_page import write_result_page
from runner.results.entry_result import EntryResult
from runner.store.entries.records import Entry, NewEntry, Outcome
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from tests.support.command import type_command
from tests.support.records import evaluation_record, run_record, summary_of

SCORED, OTHER, FAILED = "0" * 12, "1" * 12, "2" * 12
SECRET = "pixels-7-31"


def typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    return type_command(*arguments, XDG_CACHE_HOME="/nonexistent")


def store_one(
    folder: Path, challenge: Challenge, name: str, *, feedback: str = "full", failed: bool = False
) -> None:
    """Store an evaluation of 16 runs that has ended."""
    with closing(open_store(folder, create=True)) as store:
        store.begin(
            evaluation_record(
                id=name,
                submission="mine <b>",
                challenge="tiny",
                challenge_sha256=challenge.sha256,
                n=16,
                challenge_folder=str(challenge.folder),
            )
        )
        terms = resolve_terms(Limits(), feedback)  # type: ignore[arg-type]
        store.agree(name, terms.machine, terms.model_dump(mode="json"))
        for index in range(1 if failed else 16):
            verdict = Verdict.CRASHED if failed else Verdict.OK
            store.publish(name, run_record(index=index, verdict=verdict, detail=SECRET if failed else ""))
            file = EvaluationPaths(folder=folder / name).outputs(index)
            file.parent.mkdir(parents=True, exist_ok=True)
            logits = np.random.default_rng(index).normal(size=(3, 2)).astype(np.float32)
            outputs = NetworkOutputs(
                logits=logits, correct=np.ones((4, 2), np.int64), unseen_losses=np.ones(2, np.float32)
            )
            file.write_bytes(pack_outputs(outputs))
        values = {"score": None, "reason": SECRET} if failed else {"score": 0.25, "forgetting_quality": 0.25}
        verdicts = {"crashed": 1} if failed else {"ok": 16}
        store.finish(name, summary_of(evaluation=name, n=16, verdicts=verdicts, **values).to_json())


@pytest.fixture
def folder(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Path:
    """Return a folder with a store of three evaluations, two of them scored."""
    challenge = load_challenge(Limits())
    for name in (SCORED, OTHER):
        store_one(tmp_path / "store", challenge, name)
    store_one(tmp_path / "store", challenge, FAILED, feedback="verdict-only", failed=True)
    return tmp_path


def test_a_page_and_a_comparison_are_written_once(folder: Path) -> None:
    """An existing file is kept unless --overwrite is given; nothing is loaded before that is known."""
    page, compared = folder / "a.html", folder / "b.html"
    result = typed("show", SCORED, "--store", folder / "store", "--html", page)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Report: {page}\n"
    assert "mine &lt;b&gt;" in page.read_text()
    assert f"<dt>image inputs</dt><dd>{'c' * 64}</dd>" in page.read_text()
    page.write_text("kept")
    refused = typed("show", SCORED, "--store", folder / "store", "--html", page)
    assert refused.returncode == 2
    assert page.read_text() == "kept"
    assert typed("show", SCORED, "--store", folder / "store", "--html", page, "--overwrite").returncode == 0
    names = (SCORED, OTHER, FAILED, "--store", folder / "store")
    result = typed("compare", *names, "--html", compared)
    assert result.returncode == 1
    text = compared.read_text()
    assert text.count("mine &lt;b&gt;") >= 6
    assert SECRET in text
    assert typed("compare", *names, "--html", compared).returncode == 2


def test_a_participants_page_is_that_of_their_entry(folder: Path) -> None:
    """It names neither other entries nor the folder where the organizer keeps what was handed in."""
    new = NewEntry(
        name="alpha-entry",
        path="inbox/alpha.zip",
        folder="/srv",
        content_sha256=None,
        challenge="tiny",
        challenge_sha256="b" * 64,
        n=16,
        evaluation=SCORED,
    )
    with closing(open_store(folder / "store", create=False)) as store:
        store.record_entries("command", [new, replace(new, name="beta-entry", path="inbox/beta.zip")])
    arguments = ("show", SCORED, "--store", folder / "store", "--html", folder / "a.html", "--overwrite")
    assert typed(*arguments, "--participant", "--entry", 1).returncode == 0
    page = (folder / "a.html").read_text()
    assert "alpha-entry" in page
    assert "beta" not in page
    assert "inbox" not in page
    assert typed(*arguments).returncode == 0
    assert "unlearn run inbox/beta.zip" in (folder / "a.html").read_text()


def test_a_participants_page_follows_the_policy(folder: Path) -> None:
    """As Markdown does."""
    page = folder / "a.html"
    arguments = ("show", FAILED, "--store", folder / "store")
    assert typed(*arguments, "--html", page, "--participant").returncode == 0
    assert SECRET not in page.read_text()
    assert SECRET not in typed(*arguments, "--markdown", "--participant").stdout
    assert typed(*arguments, "--html", page, "--overwrite").returncode == 0
    assert SECRET in page.read_text()
    assert SECRET in typed(*arguments, "--markdown").stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--html", "a.html", "--json"),
        ("--html", "a.html", "--markdown"),
        ("--html", "a.html", "--card"),
        ("--markdown", "--logs"),
        ("--html", "a.txt"),
        ("--html", "a"),
        ("--markdown", "--out", "a.txt"),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, options: tuple[str, ...]) -> None:
    """One sentence, and no file."""
    result = typed("show", SCORED, "--store", folder / "store", *options)
    assert result.returncode == 2
    assert not (folder / "a.html").exists()


@pytest.mark.parametrize("outcome", [Outcome.SCORED, Outcome.REFUSED, Outcome.HELD])
def test_every_entry_of_a_command_gets_a_page(folder: Path, outcome: Outcome) -> None:
    """Named by ids, whatever the submission is called; a page of the same evaluation is replaced."""
    evaluation = {Outcome.SCORED: SCORED, Outcome.HELD: "3" * 12}.get(outcome)
    entry = Entry(
        id=7,
        command="",
        received=datetime(2026, 1, 1, tzinfo=UTC),
        name="../../evil<b>",
        path="../evil",
        folder=None,
        content_sha256=None,
        challenge="tiny",
        challenge_sha256="b" * 64,
        n=16,
        evaluation=evaluation,
    )
    summary = summary_of(
        evaluation=evaluation or "",
        refused=outcome is Outcome.REFUSED,
        held=outcome is Outcome.HELD,
        reason="because <i>",
    )
    result = EntryResult(entry=entry, summary=summary, outcome=outcome)
    pages = folder / "pages"
    for _time in range(2):
        file = write_result_page(result, folder / "store", pages)
    assert list(pages.iterdir()) == [file]
    assert file.name == {Outcome.SCORED: f"{SCORED}.html", Outcome.HELD: f"{'3' * 12}.html"}.get(
        outcome, "entry-7.html"
    )
    assert ("because &lt;i&gt;" in file.read_text()) == (outcome is not Outcome.SCORED)


def test_a_file_is_no_folder_of_pages(folder: Path) -> None:
    """That is said before any run."""
    file = folder / "pages"
    file.write_text("")
    (folder / "mine.py").write_text("def unlearning(net, retain, forget, val): return net")
    result = typed("run", folder / "mine.py", "-c", folder, "--html", file)
    assert result.returncode == 2
    assert "into a folder" in result.stderr
