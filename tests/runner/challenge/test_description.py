"""The description of a challenge: known fields, valid values, a round trip."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Source, parse_description, render_description
from runner.challenge.export import exported_description
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.challenge.training import TrainingChoice
from runner.reports.challenges import challenge_table

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder
from tests.support.untrusted.challenge_files import edit_description, refused_challenge


def test_description_round_trip(loaded: Challenge) -> None:
    """A rendered description is read back equal, and renders to the same bytes, so that hashes are stable."""
    text = render_description(loaded.description)
    again = Description.model_validate(tomllib.loads(text.decode()))
    assert again == loaded.description
    assert render_description(again) == text


def test_class_names_are_shown(challenge_folder: ChallengeFolder) -> None:
    """By class, and beside the counts of the forget set; nothing in a name reaches the terminal as a command."""
    folder = challenge_folder.describe()
    edit_description(folder, class_names=["cat", "[red]\x1b[2J dog"])
    challenge = load_challenge(folder)
    console = Console(file=io.StringIO(), width=200)
    console.print(challenge_table(challenge))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0 cat, 1 [red]\N{REPLACEMENT CHARACTER}[2J dog" in shown
    assert "% of the training examples: 1 of class 0 (cat), 2 of class 1 ([red]" in shown
    exported = exported_description(challenge.description, challenge.sha256)
    assert exported.class_names == challenge.description.class_names


def test_many_class_names_are_shown_in_part(challenge_folder: ChallengeFolder) -> None:
    """A cell holds some of them, and says how many there are besides."""
    folder = challenge_folder.describe()
    edit_description(folder, class_names=["x" * 90, "y" * 90])
    console = Console(file=io.StringIO(), width=200)
    console.print(challenge_table(load_challenge(folder)))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"0 {'x' * 90} and 1 more" in shown
    assert f"% of the training examples: 1 of class 0 ({'x' * 90}) and 1 more" in shown


def test_a_chosen_training_round_trip(loaded: Challenge) -> None:
    """The choice is stored next to its result, and is read back."""
    source = Source(training=TrainingChoice(preset="contest", epochs=3), device="cuda")
    text = render_description(loaded.description.model_copy(update={"source": source}))
    assert tomllib.loads(text.decode())["source"] == {
        "training": {"preset": "contest", "epochs": 3},
        "device": "cuda",
    }
    assert parse_description(Path(DESCRIPTION_FILE), text).source == source


def test_a_training_of_an_earlier_version(challenge_folder: ChallengeFolder) -> None:
    """A challenge with five fields of training was built with SGD, Nesterov and one cycle."""
    folder = challenge_folder.describe()
    edit_description(
        folder,
        **{f"training__{name}": None for name in ("optimizer", "nesterov", "schedule", "class_weights")},
    )
    edit_description(folder, training__keep=None)
    found = load_challenge(folder).description.training
    assert (found.optimizer, found.nesterov, found.schedule) == ("sgd", True, "one-cycle")
    assert (found.class_weights, found.keep) == ("none", "last")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"color": "red"}, "color"),
        ({"class_names": ["one"]}, "it"),
        ({"class_names": ["a", ""]}, "class_names.1"),
        ({"class_names": ["a", "b" * 101]}, "class_names.1"),
        ({"class_names": ["a", 1]}, "class_names.1"),
        ({"limits__gpu": 1}, "limits.gpu"),
        ({"training__warmup": 1}, "training.warmup"),
        ({"training__learning_rate": 0.0}, "training.learning_rate"),
        ({"training__optimizer": "lion"}, "training.optimizer"),
        ({"training__optimizer": "adam"}, "training"),
        ({"source__training": {"preset": "kaggle"}}, "source.training.preset"),
        ({"name": None}, "name"),
        ({"limits": None}, "limits"),
        ({"schema_version": 2}, "schema_version"),
        ({"schema_version": "1"}, "schema_version"),
        ({"name": ""}, "name"),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 40}, "seed"),
        ({"classes": 1}, "classes"),
        ({"references": 1}, "references"),
        ({"item_format": "list"}, "item_format"),
        ({"forget_fraction": 0.0}, "forget_fraction"),
        ({"forget_fraction": 1.0}, "forget_fraction"),
        ({"image": "latest"}, "image"),
        ({"limits__wall_seconds": 0.0}, "limits.wall_seconds"),
        ({"limits__wall_seconds": float("inf")}, "limits.wall_seconds"),
        ({"limits__wall_seconds": float("nan")}, "limits.wall_seconds"),
        ({"limits__memory_bytes": 0}, "limits.memory_bytes"),
        ({"limits__memory_bytes": 1.5}, "limits.memory_bytes"),
        ({"limits__memory_bytes": "2 GB"}, "limits.memory_bytes"),
        ({"limits__concurrency": 65}, "limits.concurrency"),
        ({"limits__processes": True}, "limits.processes"),
        ({"limits__log_bytes": 1}, "limits.log_bytes"),
    ],
    ids=str,
)
def test_invalid_description(challenge_folder: ChallengeFolder, changes: dict[str, Any], where: str) -> None:
    """Unknown and missing names, another version and impossible values are refused by name."""
    folder = challenge_folder.describe()
    edit_description(folder, **changes)
    assert f"{DESCRIPTION_FILE}: {where}: " in refused_challenge(folder)


@pytest.mark.parametrize(
    "text",
    [
        b"= 1",
        b"\xff\xfe",
        b"schema_version = 1\nschema_version = 1",
        b"a = " + b"[" * 3000,
        b"a = {b = " * 3000,
        b"a = " + b"1" * 5000,
    ],
)
def test_description_that_is_not_toml(challenge_folder: ChallengeFolder, text: bytes) -> None:
    """A description that is not TOML is reported as such."""
    challenge_folder.write(DESCRIPTION_FILE, text)
    assert "is not TOML" in refused_challenge(challenge_folder.folder)


@pytest.mark.parametrize(
    "counts", [{}, {"retain": [1], "forget": [1, 2], "val": [1, 1], "test": [1, 1]}], ids=str
)
def test_class_counts_are_complete(challenge_folder: ChallengeFolder, counts: dict[str, list[int]]) -> None:
    """Each split has a count for each class."""
    folder = challenge_folder.describe()
    edit_description(folder, class_counts=counts)
    refused_challenge(folder)


def test_a_description_states_the_time_limit_once(challenge_folder: ChallengeFolder) -> None:
    """Neither seconds nor fraction, or both, is refused; a fraction is read back unchanged."""
    folder = challenge_folder.describe(Limits(wall_fraction=0.2))
    assert load_challenge(folder).description.limits == Limits(wall_fraction=0.2)
    file = folder / DESCRIPTION_FILE
    text = file.read_text()
    file.write_text(text.replace("wall_fraction = 0.2\n", ""))
    assert "give either wall_seconds or wall_fraction" in refused_challenge(folder)
    file.write_text(text.replace("wall_fraction = 0.2\n", "wall_fraction = 0.2\nwall_seconds = 3.0\n"))
    assert "and not both" in refused_challenge(folder)


def test_feedback_is_one_of_two_words(challenge_folder: ChallengeFolder) -> None:
    """An unknown policy is an error, never the laxer one; older challenges have full feedback."""
    folder = challenge_folder.describe()
    text = (folder / DESCRIPTION_FILE).read_text()
    (folder / DESCRIPTION_FILE).write_text(text.replace('feedback = "full"\n', ""))
    assert load_challenge(folder).description.feedback == "full"
    (folder / DESCRIPTION_FILE).write_text(text.replace('feedback = "full"', 'feedback = "verdicts"'))
    assert "feedback" in refused_challenge(folder)
