"""Is a challenge taken only as it was built: known names, every file, the right shapes?"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Source, parse_description, render_description
from runner.challenge.layout import ARCHITECTURE_FILE, CHALLENGE_FILES, DESCRIPTION_FILE, REFERENCES_FILE
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.challenge.outputs import OutputShapes, unpack_outputs
from runner.challenge.training import TrainingChoice
from runner.errors import ConfigurationError
from runner.parsers.checkpoint import check_checkpoint
from runner.parsers.npz import ArraysError
from runner.parsers.safetensors import TensorSpec
from tests.support.npy import npy, npz

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder


def edit(folder: Path, **changes: Any) -> None:
    """Change what the description says; a value of None takes the name away."""
    said = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    for name, value in changes.items():
        place, *rest = name.split("__")
        table = said.setdefault(place, {}) if rest else said
        key = rest[0] if rest else place
        if value is None:
            del table[key]
        else:
            table[key] = value
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(said))


def refused(folder: Path) -> str:
    """Return why a challenge is refused, and require that it is, in one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load_challenge(folder)
    return str(caught.value)


@pytest.fixture
def loaded(challenge_folder: ChallengeFolder) -> Challenge:
    """Return the tiny challenge."""
    return load_challenge(challenge_folder.describe())


def test_loaded(loaded: Challenge) -> None:
    """What is loaded is what lies there; its hash is that of the description."""
    assert loaded.sha256 == hashlib.sha256((loaded.folder / DESCRIPTION_FILE).read_bytes()).hexdigest()
    assert loaded.spec == {
        "weight": TensorSpec(dtype="F32", shape=(2, 3)),
        "bias": TensorSpec(dtype="F32", shape=(2,)),
    }
    assert loaded.forget_labels.tolist() == [0, 1, 1]
    assert loaded.forget_labels.dtype == np.int64
    assert loaded.references is not None
    assert loaded.references.logits.shape == (3, 3, 2)
    assert loaded.references.correct.shape == (3, 4, 2)
    assert loaded.description.limits == Limits()


def test_original_is_an_acceptable_checkpoint(loaded: Challenge) -> None:
    """A submission that changes nothing hands in what was due."""
    check_checkpoint(loaded.data("original"), loaded.spec)


def test_description_round_trip(loaded: Challenge) -> None:
    """What is rendered is read back as the same, and renders to the same bytes, so that hashes hold."""
    text = render_description(loaded.description)
    again = Description.model_validate(tomllib.loads(text.decode()))
    assert again == loaded.description
    assert render_description(again) == text


OWN = b"def build(classes): ...\n"


def with_own_architecture(challenge_folder: ChallengeFolder, data: bytes = OWN) -> Path:
    """Return a challenge whose network is the organizer's own file."""
    folder = challenge_folder.describe()
    challenge_folder.write(ARCHITECTURE_FILE, data)
    listed = tomllib.loads((folder / DESCRIPTION_FILE).read_text())["files"]
    listed[ARCHITECTURE_FILE] = hashlib.sha256(data).hexdigest()
    edit(folder, architecture="file", files=listed)
    return folder


def test_an_organizers_architecture_is_a_text(challenge_folder: ChallengeFolder) -> None:
    """It is read for the containers; where there is none, there is none."""
    assert load_challenge(challenge_folder.describe()).architecture_source is None
    assert load_challenge(with_own_architecture(challenge_folder)).architecture_source == OWN.decode()


def test_an_architecture_file_that_is_not_what_was_listed_is_refused(
    challenge_folder: ChallengeFolder,
) -> None:
    """Altered, missing, no text, too long, not listed, or listed where it is not meant."""
    folder = with_own_architecture(challenge_folder)
    challenge_folder.write(ARCHITECTURE_FILE, OWN + b"\n")
    assert "public/architecture.py is not the file that" in refused(folder)
    (folder / ARCHITECTURE_FILE).unlink()
    assert "is incomplete" in refused(folder)
    assert "is not UTF-8" in refused(with_own_architecture(challenge_folder, b"\xff"))
    assert "is larger than 1 MiB" in refused(with_own_architecture(challenge_folder, b" " * (1 << 20) + OWN))
    words = "public/architecture.py must be listed if the architecture is 'file', and only then"
    edit(with_own_architecture(challenge_folder), architecture="resnet18")
    assert words in refused(folder)
    edit(challenge_folder.describe(), architecture="file")
    assert words in refused(folder)


def test_a_chosen_training_round_trip(loaded: Challenge) -> None:
    """What was chosen stands beside what came of it, and is read back."""
    source = Source(training=TrainingChoice(preset="contest", epochs=3), device="cuda")
    text = render_description(loaded.description.model_copy(update={"source": source}))
    assert tomllib.loads(text.decode())["source"] == {
        "training": {"preset": "contest", "epochs": 3},
        "device": "cuda",
    }
    assert parse_description(Path(DESCRIPTION_FILE), text).source == source


def test_a_training_of_an_earlier_version(challenge_folder: ChallengeFolder) -> None:
    """A challenge that says five things of its training was made with SGD, Nesterov and one cycle."""
    folder = challenge_folder.describe()
    edit(
        folder,
        **{f"training__{name}": None for name in ("optimizer", "nesterov", "schedule", "class_weights")},
    )
    edit(folder, training__keep=None)
    found = load_challenge(folder).description.training
    assert (found.optimizer, found.nesterov, found.schedule) == ("sgd", True, "one-cycle")
    assert (found.class_weights, found.keep) == ("none", "last")


@pytest.mark.parametrize("name", ["original", "retain", "forget", "val", "test"])
def test_data(loaded: Challenge, name: str) -> None:
    """Each split is found by its name, and is read as it lies there."""
    folder = "private" if name == "test" else "public"
    data = loaded.data(name)
    assert data == (loaded.folder / folder / f"{name}.safetensors").read_bytes()
    assert load_safetensors(data)


def test_data_altered_after_loading(loaded: Challenge) -> None:
    """A file that changes between loading and its use is noticed."""
    (loaded.folder / "public/retain.safetensors").write_bytes(save({"label": np.zeros(2, np.int64)}))
    with pytest.raises(ConfigurationError, match="not the file that"):
        loaded.data("retain")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"color": "red"}, "color"),
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
def test_description_that_makes_no_sense(
    challenge_folder: ChallengeFolder, changes: dict[str, Any], where: str
) -> None:
    """Unknown and missing names, another version and impossible values are refused by name."""
    folder = challenge_folder.describe()
    edit(folder, **changes)
    assert f"{DESCRIPTION_FILE}: {where}: " in refused(folder)


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
def test_description_that_is_no_toml(challenge_folder: ChallengeFolder, text: bytes) -> None:
    """A damaged description is told as such."""
    challenge_folder.write(DESCRIPTION_FILE, text)
    assert "is not TOML" in refused(challenge_folder.folder)


def test_no_folder(tmp_path: Path) -> None:
    """Where there is no challenge, or not yet a whole one, the operator is told how to build it."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nothing", tmp_path / "empty"):
        assert refused(folder).startswith(f"No challenge exists at {folder}; build one with: ")


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A file in the folder's place is told as such."""
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be read" in refused(tmp_path / "file")


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_missing_file(challenge_folder: ChallengeFolder, name: str) -> None:
    """Every file has to be there."""
    folder = challenge_folder.describe()
    (folder / name).unlink()
    assert "is incomplete" in refused(folder)
    assert name in refused(folder)


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_altered_file(challenge_folder: ChallengeFolder, name: str) -> None:
    """One bit changed in any file is noticed."""
    folder = challenge_folder.describe()
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    assert refused(folder) == f"{folder / name} is not the file that {DESCRIPTION_FILE} describes."


@pytest.mark.parametrize("name", [DESCRIPTION_FILE, *CHALLENGE_FILES])
def test_file_that_is_none(challenge_folder: ChallengeFolder, name: str) -> None:
    """A pipe is not waited for, an endless device not read, a folder no file: each is told as what it is not."""
    folder = challenge_folder.describe()
    file = folder / name
    file.unlink()
    file.symlink_to("/dev/zero")
    assert refused(folder) == f"{file} is not a regular file."
    file.unlink()
    os.mkfifo(file)
    assert refused(folder) == f"{file} is not a regular file."
    file.unlink()
    file.mkdir()
    assert refused(folder) == f"{file} is not a regular file."


@pytest.mark.parametrize(
    ("name", "max_mib", "limit"),
    [(DESCRIPTION_FILE, 4, "4 MiB"), *((name, 16384, "16 GiB") for name in CHALLENGE_FILES)],
)
def test_file_that_is_too_long(
    challenge_folder: ChallengeFolder, name: str, max_mib: int, limit: str
) -> None:
    """It is refused by its length, before a byte of it is read."""
    folder = challenge_folder.describe()
    os.truncate(folder / name, (max_mib << 20) + 1)  # sparse: it takes no room
    assert refused(folder) == f"{folder / name} is larger than {limit}."


def test_a_link_to_a_file_is_followed(challenge_folder: ChallengeFolder, tmp_path: Path) -> None:
    """Large files may lie elsewhere."""
    folder = challenge_folder.describe()
    file = folder / "public/retain.safetensors"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert load_challenge(folder).data("retain") == (tmp_path / "elsewhere").read_bytes()


def test_exchanged_files(challenge_folder: ChallengeFolder) -> None:
    """Two files in each other's place are noticed, though both are described."""
    folder = challenge_folder.describe()
    first, second = folder / "public/retain.safetensors", folder / "private/test.safetensors"
    (first_data, second_data) = first.read_bytes(), second.read_bytes()
    assert first_data != second_data
    first.write_bytes(second_data)
    second.write_bytes(first_data)
    assert "is not the file that" in refused(folder)


@pytest.mark.parametrize("name", CHALLENGE_FILES)
def test_file_that_is_not_described(challenge_folder: ChallengeFolder, name: str) -> None:
    """A file without a hash in the description is not trusted."""
    folder = challenge_folder.describe()
    said = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    edit(folder, files={key: value for key, value in said["files"].items() if key != name})
    assert "is not the file that" in refused(folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("public/original.safetensors", b"garbage" * 10),
        ("public/forget.safetensors", b"garbage" * 10),
        ("public/forget.safetensors", save({"image": np.zeros(3, np.float32)})),
    ],
)
def test_described_but_damaged(challenge_folder: ChallengeFolder, name: str, data: bytes) -> None:
    """A file that fits its hash and is no safetensors, or has no labels, is told as damage."""
    challenge_folder.write(name, data)
    assert "is damaged" in refused(challenge_folder.describe())


LOGITS, CORRECT = np.zeros((3, 3, 2), np.float32), np.zeros((3, 4, 2), np.int64)
LOSSES = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("logits", "correct", "losses"),
    [
        (LOGITS[:2], CORRECT, LOSSES),
        (LOGITS[:, :2], CORRECT, LOSSES),
        (LOGITS[:, :, :1], CORRECT, LOSSES),
        (LOGITS[0], CORRECT, LOSSES),
        (LOGITS, CORRECT[:2], LOSSES),
        (LOGITS, CORRECT[:, :3], LOSSES),
        (LOGITS, CORRECT[:, :, :1], LOSSES),
        (LOGITS, CORRECT[0], LOSSES),
        (CORRECT, LOGITS, LOSSES),
        (LOGITS, CORRECT, LOSSES[:2]),
        (LOGITS, CORRECT, LOSSES[:, :1]),
        (LOGITS, CORRECT, LOSSES[0]),
    ],
)
def test_references_of_the_wrong_shape(
    challenge_folder: ChallengeFolder, logits: Any, correct: Any, losses: Any
) -> None:
    """References have one row each, and one number for each forget example, split, class and test example."""
    challenge_folder.write(REFERENCES_FILE, npz(logits=logits, correct=correct, unseen_losses=losses))
    sentence = refused(challenge_folder.describe())
    assert re.search(r"references\.npz cannot be used: \w+ is <\w\d \[[\d, ]*\], not <\w\d \[", sentence)


def test_too_few_references(challenge_folder: ChallengeFolder) -> None:
    """The three arrays must have as many rows as the description has references."""
    fewer = npz(logits=LOGITS[:2], correct=CORRECT[:2], unseen_losses=LOSSES[:2])
    challenge_folder.write(REFERENCES_FILE, fewer)
    assert "references.npz has 2 references, not 3" in refused(challenge_folder.describe())


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


BOMB = np.empty(1, dtype=object)
BOMB[0] = _Bomb()

DAMAGED = {
    "pickled array": npz(logits=BOMB, correct=CORRECT, unseen_losses=LOSSES),
    "pickle": pickle.dumps(_Bomb()),
    "no logits": npz(correct=CORRECT, unseen_losses=LOSSES),
    "no correct": npz(logits=LOGITS, unseen_losses=LOSSES),
    "no losses": npz(logits=LOGITS, correct=CORRECT),
    "garbage": b"garbage" * 100,
    "cut": npz(logits=LOGITS, correct=CORRECT, unseen_losses=LOSSES)[:-40],
    "text": npz(logits=np.array(["1"]), correct=CORRECT, unseen_losses=LOSSES),
    "text as numbers": npz(logits=LOGITS.astype("U3"), correct=CORRECT, unseen_losses=LOSSES),
    "complex": npz(logits=LOGITS.astype(np.complex64), correct=CORRECT, unseen_losses=LOSSES),
    "dates": npz(logits=LOGITS.astype("M8[s]"), correct=CORRECT, unseen_losses=LOSSES),
    "big-endian": npz(logits=LOGITS.astype(">f4"), correct=CORRECT, unseen_losses=LOSSES),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_references_that_are_no_npz(challenge_folder: ChallengeFolder, data: bytes) -> None:
    """Pickles are refused and never executed, and so is everything else that is no npz of numbers."""
    challenge_folder.write(REFERENCES_FILE, data)
    assert f"{REFERENCES_FILE} cannot be used" in refused(challenge_folder.describe())


@pytest.mark.parametrize("data", [b"", npy(LOGITS)], ids=["empty", "npy"])
def test_references_of_another_kind(data: bytes) -> None:
    """An empty file, or one array in the place of two, is refused like any other damage."""
    with pytest.raises(ArraysError):
        unpack_outputs(data, OutputShapes(examples=3, classes=2, unseen=2), stacked=True)


@pytest.mark.parametrize(
    "counts", [{}, {"retain": [1], "forget": [1, 2], "val": [1, 1], "test": [1, 1]}], ids=str
)
def test_class_counts_are_complete(challenge_folder: ChallengeFolder, counts: dict[str, list[int]]) -> None:
    """Each split has a count for each class."""
    folder = challenge_folder.describe()
    edit(folder, class_counts=counts)
    refused(folder)


def test_run_seeds_are_distinct(loaded: Challenge) -> None:
    """Ten thousand runs have ten thousand seeds, of 63 bits."""
    seeds = {loaded.run_seed(index) for index in range(10_000)}
    assert len(seeds) == 10_000
    assert min(seeds) >= 0
    assert max(seeds).bit_length() == 63


def test_run_seeds_are_stable(challenge_folder: ChallengeFolder) -> None:
    """The seed of a run is the same on every machine, so that an evaluation can be gone on with.

    Challenges of before there was a visibility keep theirs.
    """
    folder = challenge_folder.describe()
    loaded = load_challenge(folder)
    assert loaded.description.seed == 0
    drawn = hashlib.sha256(f"run 0 {loaded.description.files[REFERENCES_FILE]} 0".encode()).digest()
    assert loaded.run_seed(0) == int.from_bytes(drawn[:8], "big") >> 1
    assert loaded.run_seed(1) != loaded.run_seed(0)
    edit(folder, visibility=None)
    assert load_challenge(folder).run_seed(0) == 1315983647641129118


def test_run_seeds_do_not_tell_the_seed(challenge_folder: ChallengeFolder) -> None:
    """Who has a run's seed and tries seeds needs the references too: with others it is another."""
    one = load_challenge(challenge_folder.describe()).run_seed(0)
    outputs = {"logits": 2 * np.ones((3, 3, 2), np.float32), "correct": CORRECT, "unseen_losses": LOSSES}
    challenge_folder.write(REFERENCES_FILE, npz(**outputs))
    assert load_challenge(challenge_folder.describe()).run_seed(0) != one


def test_run_seeds_differ_between_challenges(challenge_folder: ChallengeFolder) -> None:
    """Another seed of the challenge gives other runs, even where digits could be read either way."""
    folder = challenge_folder.describe()
    edit(folder, seed=1)
    first = load_challenge(folder)
    edit(folder, seed=11)
    second = load_challenge(folder)
    assert first.run_seed(11) != second.run_seed(1)
    assert not {first.run_seed(index) for index in range(100)} & {
        second.run_seed(index) for index in range(100)
    }


def test_a_challenge_says_the_time_of_a_run_once(challenge_folder: ChallengeFolder) -> None:
    """Neither seconds nor fraction, or both, is one sentence; a fraction comes back as it was."""
    folder = challenge_folder.describe(Limits(wall_fraction=0.2))
    assert load_challenge(folder).description.limits == Limits(wall_fraction=0.2)
    file = folder / DESCRIPTION_FILE
    text = file.read_text()
    file.write_text(text.replace("wall_fraction = 0.2\n", ""))
    assert "give either wall_seconds or wall_fraction" in refused(folder)
    file.write_text(text.replace("wall_fraction = 0.2\n", "wall_fraction = 0.2\nwall_seconds = 3.0\n"))
    assert "and not both" in refused(folder)


def test_feedback_is_one_of_two_words(challenge_folder: ChallengeFolder) -> None:
    """A policy that is not known is an error, never the laxer one; older challenges tell everything."""
    folder = challenge_folder.describe()
    text = (folder / DESCRIPTION_FILE).read_text()
    (folder / DESCRIPTION_FILE).write_text(text.replace('feedback = "full"\n', ""))
    assert load_challenge(folder).description.feedback == "full"
    (folder / DESCRIPTION_FILE).write_text(text.replace('feedback = "full"', 'feedback = "verdicts"'))
    assert "feedback" in refused(folder)
