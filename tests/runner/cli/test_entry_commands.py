"""`list`, `show` and `report` know the entries of an evaluation, and those that were refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from runner.cli import main as cli
from runner.errors import ConfigurationError
from runner.store.entries.records import Outcome
from runner.store.open_store import open_store
from tests.conformance.test_entries import ALPHA, BROKEN, COPY
from tests.conformance.test_store import FIRST, ID
from tests.support.records import summary_of

Type = Callable[..., str]
OTHER = "f" * 12


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Type:
    """Return a way to type a command on a store with two evaluations, three entries and a refused one."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(replace(FIRST, challenge_folder="/srv/tiny"))
        store.begin(replace(FIRST, id=OTHER, n=8))
        late = replace(ALPHA, name="late", evaluation=OTHER)
        store.record_entries("command", [replace(ALPHA, name="alpha"), COPY, BROKEN, late])
        elsewhere = replace(BROKEN, name="elsewhere", challenge="other", challenge_sha256="9" * 64)
        store.record_entries("another", [replace(elsewhere, path="elsewhere.zip")])
        store.finish(ID, summary_of(evaluation=ID, score=0.5).to_json(), outcome=Outcome.SCORED)
        summary = summary_of(evaluation=OTHER, score=0.25, equal_evaluations=[ID])
        store.finish(OTHER, summary.to_json(), outcome=Outcome.SCORED)

    def type_words(*words: str) -> str:
        cli.command_group()([*words, "--store", str(tmp_path)], standalone_mode=False)
        return capsys.readouterr().out

    return type_words


def test_list_names_all_entries(typed: Type) -> None:
    """Those that share an evaluation in its row, those that were refused below, copies on one line."""
    text = " ".join(typed("list").split())
    assert "alpha, copy" in text
    assert "late" in text
    assert "broken: refused " in text
    assert "It is no zip." in text
    assert text.count("equal checkpoints: ") == 1


def test_list_as_json(typed: Type) -> None:
    """A line for each evaluation, with its entries, and for each refused entry; times have an offset."""
    other, first, refused, _ = map(json.loads, typed("list", "--json").splitlines())
    assert [entry["submission"] for entry in first["entries"]] == ["alpha", "copy"]
    assert [entry["path"] for entry in first["entries"]] == [ALPHA.path, COPY.path]
    assert [entry["submission"] for entry in other["entries"]] == ["late"]
    assert (refused["submission"], refused["outcome"], refused["evaluation"], refused["summary"]) == (
        "broken",
        "refused",
        None,
        None,
    )
    assert {each["schema_version"] for each in (first, other, refused)} == {1}
    for moment in (first["begun"], first["entries"][0]["received"], refused["received"]):
        assert datetime.fromisoformat(moment).utcoffset() is not None


def test_the_submission_in_json_is_the_stored_one(typed: Type) -> None:
    """Names for people are in the table alone, where six of them are cut to five."""
    _, first, *_ = map(json.loads, typed("list", "--json").splitlines())
    assert first["submission"] == FIRST.submission
    assert FIRST.submission not in typed("list")


@pytest.mark.parametrize(
    ("name", "evaluation"),
    [("alpha", ID), ("copy", ID), ("late", OTHER), ("last", OTHER), (COPY.path, ID), (ID[:4], ID)],
)
def test_an_evaluation_is_known_by_its_entries(typed: Type, name: str, evaluation: str) -> None:
    """By the name or the path of one, and `last` is that of the newest which has an evaluation."""
    assert json.loads(typed("show", name, "--json"))["evaluation"] == evaluation


def test_a_name_is_the_newest_evaluation_under_it(typed: Type, tmp_path: Path) -> None:
    """A submission that was edited keeps its name. A name that equals another's evaluation is not preferred."""
    with closing(open_store(tmp_path, create=False)) as store:
        store.record_entries("third", [replace(ALPHA, name="alpha", path="new", evaluation=OTHER)])
        store.record_entries("hostile", [replace(ALPHA, name=ID, path="hostile", evaluation=OTHER)])
    assert json.loads(typed("show", "alpha", "--json"))["evaluation"] == OTHER
    assert json.loads(typed("show", ID, "--json"))["evaluation"] == ID


@pytest.mark.parametrize("name", ["broken", "alph", "LATE", "last "])
def test_other_names_are_refused(typed: Type, name: str) -> None:
    """What was refused has no evaluation, and names are whole."""
    with pytest.raises(ConfigurationError, match="No evaluation begins with"):
        typed("show", name)


@pytest.mark.parametrize("name", ["alpha", "last"])
def test_what_is_removed_is_named_by_its_own_name(typed: Type, name: str) -> None:
    """Not by what may be another tomorrow."""
    with pytest.raises(ConfigurationError, match="No evaluation begins with"):
        typed("clean", name)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize("challenge", [FIRST.challenge, FIRST.challenge_sha256[:8], "/srv/tiny/../tiny/"])
def test_refused_entries_are_on_the_challenge_as_evaluations_are(
    typed: Type, challenge: str, form: list[str]
) -> None:
    """By its name, the beginning of its hash, or its folder; those on others are left out."""
    text = typed("list", "-c", challenge, *form)
    assert "broken" in text
    assert "alpha" in text
    assert "elsewhere" not in text


@pytest.mark.parametrize("challenge", ["other", "9" * 6, "9" * 64])
def test_a_challenge_may_have_refused_entries_only(typed: Type, challenge: str) -> None:
    """They are listed, and no error says that there is nothing."""
    text = typed("list", "-c", challenge)
    assert "elsewhere: refused " in text
    assert "0 evaluations in " in text
    (line,) = typed("list", "-c", challenge, "--json").splitlines()
    shown = json.loads(line)
    assert (shown["submission"], shown["status"], shown["summary"]) == ("elsewhere", "refused", None)
    with pytest.raises(ConfigurationError, match=f"there are some on: other, {FIRST.challenge}"):
        typed("list", "-c", f"{challenge}!")


def test_a_folder_may_have_refused_entries_only(typed: Type, tmp_path: Path) -> None:
    """The challenge in it is known by its hash; without one, or another, nothing is on it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="is on challenge"):
        typed("list", "-c", str(folder))
    description = folder / "challenge.toml"
    for content in ("another", "x" * ((4 << 20) + 1)):
        description.write_text(content)
        with pytest.raises(ConfigurationError, match="is on challenge"):
            typed("list", "-c", str(folder))
    description.unlink()
    os.mkfifo(description)
    with pytest.raises(ConfigurationError, match="is on challenge"):
        typed("list", "-c", str(folder))
    description.unlink()
    description.write_text("text")
    sha256 = hashlib.sha256(b"text").hexdigest()
    with closing(open_store(tmp_path, create=False)) as store:
        here = replace(BROKEN, name="here", path="here.zip", challenge="new", challenge_sha256=sha256)
        store.record_entries("third", [here])
    text = typed("list", "-c", str(folder))
    assert "here: refused " in text
    assert "elsewhere" not in text


def test_show_names_all_entries(typed: Type) -> None:
    """On a line each; in JSON with all that is known of them."""
    text = " ".join(typed("show", ID).split())
    assert "entry 1: alpha, " in text
    assert "entry 2: copy, " in text
    shown = json.loads(typed("show", ID, "--json"))
    assert shown["schema_version"] == 1
    assert [entry["entry"] for entry in shown["entries"]] == [1, 2]


def test_a_report_is_for_one_entry(typed: Type) -> None:
    """It names no other."""
    for options, name, others in (
        ([], "alpha", ["copy", "late"]),
        (["--entry", "2"], "copy", ["alpha", "late"]),
    ):
        for form in ([], ["--json"]):
            text = typed("show", ID, "--participant", *options, *form)
            assert name in text
            assert not any(other in text for other in others)
    with pytest.raises(ConfigurationError, match="has no entry 4; it has: entry 1: alpha"):
        typed("show", ID, "--participant", "--entry", "4")


def test_a_report_without_an_entry_tells_which_there_are(
    typed: Type, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where names differ; an evaluation with one entry needs none."""
    cli.command_group()(["show", ID, "--participant", "--store", str(tmp_path)], standalone_mode=False)
    note = " ".join(capsys.readouterr().err.split())
    assert "2 entries share this evaluation" in note
    assert "entry 2: copy" in note
    cli.command_group()(["show", OTHER, "--participant", "--store", str(tmp_path)], standalone_mode=False)
    assert capsys.readouterr().err == ""
