"""An unfinished build survives every command but --discard, and the commands that are printed go on with it."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest

from runner.challenge.load import load_challenge
from runner.challenge.unfinished import BUILD_FOLDER
from tests.runner.builder.test_resume import contents
from tests.support import recipe_data
from tests.support.command import start_command, unlearn

pytestmark = pytest.mark.container

TYPED = (
    "--references",
    64,
    "--epochs",
    3,
    "--snapshot-seconds",
    0,
    "--seed",
    5,
    "--feedback",
    "verdict-only",
)


@pytest.fixture(scope="module")
def partial(built_image: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a build that was interrupted after its first references."""
    folder = tmp_path_factory.mktemp("unfinished") / "partial"
    build = start_command("challenge", "build", "digits", folder, *TYPED)
    deadline = time.monotonic() + 600
    while not list(folder.glob(".building/group-*.npz")):
        assert time.monotonic() < deadline
        assert build.poll() is None
        time.sleep(0.01)
    build.send_signal(signal.SIGINT)
    _out, stderr = build.communicate(timeout=240)
    assert build.returncode == 130
    assert "what is finished is stored" in stderr
    return folder


def copy_of(partial: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(partial, tmp_path / "partial"))


def printed_command(text: str) -> list[str]:
    """Return the words of the command at the end of a message."""
    words = shlex.split(text.strip().rpartition("To go on with it: ")[2])
    assert words[0] == "unlearn"
    return words[1:]


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("digits", ("--references", 4)),
        ("digits", ("--references", 64, "--epochs", 4, "--feedback", "verdict-only")),
        ("digits", ("--references", 64, "--epochs", 3)),
        ("faces", ("--data", "FILE")),
    ],
)
def test_other_commands_change_nothing(
    partial: Path, tmp_path: Path, recipe: str, options: tuple[object, ...]
) -> None:
    """Each is refused with exit code 2, what is there and how to go on."""
    data = tmp_path / "Age_Gender.txt"
    data.write_text("a 20 M\n")
    options = tuple(data if option == "FILE" else option for option in options)
    before = contents(partial)
    refused = unlearn("challenge", "build", recipe, partial, *options, code=2)
    assert f"{partial} holds an unfinished build of digits (" in refused.stderr
    assert " of 64 references are finished" in refused.stderr
    assert "--discard" in refused.stderr
    assert contents(partial) == before
    assert printed_command(refused.stderr)[:4] == ["challenge", "build", "digits", str(partial)]


def test_the_printed_command_goes_on(partial: Path, tmp_path: Path) -> None:
    """The one of `challenge show`, without the seed: finished references are not trained again."""
    folder = copy_of(partial, tmp_path)
    shown = unlearn("challenge", "show", folder, code=2)
    assert unlearn("challenge", "show", folder, "--json", code=2).stderr == shown.stderr
    command = printed_command(shown.stderr)
    assert "--seed" not in command
    original = (folder / "public/original.safetensors").stat().st_mtime_ns
    unlearn(*command)
    description = load_challenge(folder).description
    assert (description.references, description.seed, description.feedback) == (64, 5, "verdict-only")
    assert (folder / "public/original.safetensors").stat().st_mtime_ns == original


def test_discard_begins_anew_once(partial: Path, tmp_path: Path) -> None:
    """It replaces the unfinished build, and refuses to replace a complete challenge."""
    folder = copy_of(partial, tmp_path)
    command = ("challenge", "build", "digits", folder, "--references", 2, "--epochs", 1, "--discard")
    unlearn(*command)
    challenge = load_challenge(folder)
    assert challenge.description.references == 2
    assert challenge.description.seed is not None
    assert challenge.description.seed > 1 << 32, "the discarded build's seed was typed, this one was not"
    assert not (folder / BUILD_FOLDER).exists()
    before = contents(folder)
    assert "complete challenge" in unlearn(*command, code=2).stderr
    assert contents(folder) == before


def test_other_settings_keep_the_networks(partial: Path, tmp_path: Path) -> None:
    """With the option that the refusal names."""
    folder = copy_of(partial, tmp_path)
    original = (folder / "public/original.safetensors").stat().st_mtime_ns
    command = ("challenge", "build", "digits", folder, "--epochs", 3, "--references", 66)
    assert "add --keep-networks" in unlearn(*command, code=2).stderr
    unlearn(*command, "--keep-networks")
    description = load_challenge(folder).description
    assert (description.references, description.feedback) == (66, "full")
    assert (folder / "public/original.safetensors").stat().st_mtime_ns == original


def test_classes_without_examples_are_reported(built_image: object, tmp_path: Path) -> None:
    """Labels that count from 1 leave class 0 empty: during the build, and whenever the challenge is shown."""
    own = recipe_data.own_arrays()
    own["label"] = own["label"] + 1
    (tmp_path / "own.npz").write_bytes(recipe_data.npz(**own))
    options = ("--data", tmp_path / "own.npz", "--references", 2, "--epochs", 1, "--forget-fraction", 0.1)
    built = unlearn("challenge", "build", "arrays", tmp_path / "built", *options)
    assert "note: class 0 has no examples" in built.stderr
    shown = json.loads(unlearn("challenge", "show", tmp_path / "built", "--json").stdout)
    assert "class 0 has no examples" in shown["warnings"]
