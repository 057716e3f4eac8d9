"""A challenge is loaded only as it was built: every file present, with its own hash and content."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.layout import ARCHITECTURE_FILE, CHALLENGE_FILES, DESCRIPTION_FILE
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError
from runner.parsers.checkpoint import check_checkpoint
from runner.parsers.safetensors import TensorSpec

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder
from tests.support.untrusted.challenge_files import edit_description, refused_challenge


def test_loaded(loaded: Challenge) -> None:
    """The loaded values are those on disk; the challenge's hash is the description's."""
    assert loaded.sha256 == hashlib.sha256((loaded.folder / DESCRIPTION_FILE).read_bytes()).hexdigest()
    assert loaded.spec == {
        "weight": TensorSpec(dtype="F32", shape=(2, 3), largest=5.0),
        "bias": TensorSpec(dtype="F32", shape=(2,)),
    }
    assert loaded.forget_labels.tolist() == [0, 1, 1]
    assert loaded.forget_labels.dtype == np.int64
    assert loaded.references is not None
    assert loaded.references.logits.shape == (3, 3, 2)
    assert loaded.references.correct.shape == (3, 4, 2)
    assert loaded.description.limits == Limits()


def test_original_is_an_acceptable_checkpoint(loaded: Challenge) -> None:
    """A submission that changes nothing returns an acceptable checkpoint."""
    check_checkpoint(loaded.data("original"), loaded.spec)


OWN = b"def build(classes): ...\n"


def with_own_architecture(challenge_folder: ChallengeFolder, data: bytes = OWN) -> Path:
    """Return a challenge whose network is the organizer's own file."""
    folder = challenge_folder.describe()
    challenge_folder.write(ARCHITECTURE_FILE, data)
    listed = tomllib.loads((folder / DESCRIPTION_FILE).read_text())["files"]
    listed[ARCHITECTURE_FILE] = hashlib.sha256(data).hexdigest()
    edit_description(folder, architecture="file", files=listed)
    return folder


def test_an_organizers_architecture_is_a_text(challenge_folder: ChallengeFolder) -> None:
    """The module's text is loaded for the containers, and is None where the challenge has no module."""
    assert load_challenge(challenge_folder.describe()).architecture_source is None
    assert load_challenge(with_own_architecture(challenge_folder)).architecture_source == OWN.decode()


def test_an_architecture_file_that_is_not_the_listed_one_is_refused(
    challenge_folder: ChallengeFolder,
) -> None:
    """A module that is altered, missing, not text, too large, or wrongly listed is refused."""
    folder = with_own_architecture(challenge_folder)
    challenge_folder.write(ARCHITECTURE_FILE, OWN + b"\n")
    assert "public/architecture.py is not the file that" in refused_challenge(folder)
    (folder / ARCHITECTURE_FILE).unlink()
    assert "is incomplete" in refused_challenge(folder)
    assert "is not UTF-8" in refused_challenge(with_own_architecture(challenge_folder, b"\xff"))
    assert "is larger than 1 MiB" in refused_challenge(
        with_own_architecture(challenge_folder, b" " * (1 << 20) + OWN)
    )
    words = "public/architecture.py must be listed if the architecture is 'file', and only then"
    edit_description(with_own_architecture(challenge_folder), architecture="resnet18")
    assert words in refused_challenge(folder)
    edit_description(challenge_folder.describe(), architecture="file")
    assert words in refused_challenge(folder)


@pytest.mark.parametrize("name", ["original", "retain", "forget", "val", "test"])
def test_data(loaded: Challenge, name: str) -> None:
    """Each split is read by its name, byte by byte."""
    folder = "private" if name == "test" else "public"
    data = loaded.data(name)
    assert data == (loaded.folder / folder / f"{name}.safetensors").read_bytes()
    assert load_safetensors(data)


def test_data_altered_after_loading(loaded: Challenge) -> None:
    """A file that changes between loading and use is refused."""
    (loaded.folder / "public/retain.safetensors").write_bytes(save({"label": np.zeros(2, np.int64)}))
    with pytest.raises(ConfigurationError, match="not the file that"):
        loaded.data("retain")


def test_no_folder(tmp_path: Path) -> None:
    """Where no complete challenge exists, the message says how to build one."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nothing", tmp_path / "empty"):
        assert refused_challenge(folder).startswith(f"No challenge exists at {folder}; build one with: ")


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A file at the folder's path is refused in one sentence."""
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be read" in refused_challenge(tmp_path / "file")


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_missing_file(challenge_folder: ChallengeFolder, name: str) -> None:
    """Every file must exist."""
    folder = challenge_folder.describe()
    (folder / name).unlink()
    assert "is incomplete" in refused_challenge(folder)
    assert name in refused_challenge(folder)


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_altered_file(challenge_folder: ChallengeFolder, name: str) -> None:
    """One changed bit in any file is detected."""
    folder = challenge_folder.describe()
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    assert refused_challenge(folder) == f"{folder / name} is not the file that {DESCRIPTION_FILE} describes."


@pytest.mark.parametrize("name", [DESCRIPTION_FILE, *CHALLENGE_FILES])
def test_file_that_is_not_regular(challenge_folder: ChallengeFolder, name: str) -> None:
    """A pipe is not waited for, an endless device is not read: only a regular file is accepted."""
    folder = challenge_folder.describe()
    file = folder / name
    file.unlink()
    file.symlink_to("/dev/zero")
    assert refused_challenge(folder) == f"{file} is not a regular file."
    file.unlink()
    os.mkfifo(file)
    assert refused_challenge(folder) == f"{file} is not a regular file."
    file.unlink()
    file.mkdir()
    assert refused_challenge(folder) == f"{file} is not a regular file."


@pytest.mark.parametrize(
    ("name", "max_mib", "limit"),
    [(DESCRIPTION_FILE, 4, "4 MiB"), *((name, 16384, "16 GiB") for name in CHALLENGE_FILES)],
)
def test_file_that_is_too_large(
    challenge_folder: ChallengeFolder, name: str, max_mib: int, limit: str
) -> None:
    """A file that is too large is refused by its size, before a byte of it is read."""
    folder = challenge_folder.describe()
    os.truncate(folder / name, (max_mib << 20) + 1)  # sparse: it takes no room
    assert refused_challenge(folder) == f"{folder / name} is larger than {limit}."


def test_a_link_to_a_file_is_followed(challenge_folder: ChallengeFolder, tmp_path: Path) -> None:
    """Large files may be stored in another place."""
    folder = challenge_folder.describe()
    file = folder / "public/retain.safetensors"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert load_challenge(folder).data("retain") == (tmp_path / "elsewhere").read_bytes()


def test_exchanged_files(challenge_folder: ChallengeFolder) -> None:
    """Two exchanged files are detected, although both are described."""
    folder = challenge_folder.describe()
    first, second = folder / "public/retain.safetensors", folder / "private/test.safetensors"
    (first_data, second_data) = first.read_bytes(), second.read_bytes()
    assert first_data != second_data
    first.write_bytes(second_data)
    second.write_bytes(first_data)
    assert "is not the file that" in refused_challenge(folder)


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_file_that_is_not_described(challenge_folder: ChallengeFolder, name: str) -> None:
    """A file without a hash in the description is not trusted."""
    folder = challenge_folder.describe()
    said = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    edit_description(folder, files={key: value for key, value in said["files"].items() if key != name})
    assert "is not the file that" in refused_challenge(folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("public/original.safetensors", b"garbage" * 10),
        ("public/forget.safetensors", b"garbage" * 10),
        ("public/forget.safetensors", save({"image": np.zeros(3, np.float32)})),
    ],
)
def test_described_but_damaged(challenge_folder: ChallengeFolder, name: str, data: bytes) -> None:
    """A file that matches its hash but is not safetensors, or has no labels, is reported as damaged."""
    challenge_folder.write(name, data)
    assert "is damaged" in refused_challenge(challenge_folder.describe())
