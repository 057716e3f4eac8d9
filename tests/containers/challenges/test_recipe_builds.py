"""Challenges from an organizer's own files, built, run and scored in the real containers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from runner.challenge.challenge import Challenge
from runner.challenge.layout import CHALLENGE_FILES, DESCRIPTION_FILE, PROBES_FILE
from runner.challenge.load import load_challenge
from runner.engine.api import Engine
from sandbox.protocol.splits import SPLITS
from tests.support import recipe_data
from tests.support.command import unlearn
from tests.support.npy import npy
from tests.support.paths import ROOT
from tests.support.untrusted.challenge_files import edit_description

pytestmark = pytest.mark.container

QUICK = (
    *("--references", "2", "--seed", "3", "--epochs", "2", "--forget-fraction", "0.1"),
    *("--concurrency", "1", "--cpus", "1"),
)


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def build(tmp_path: Path, recipe: str, files: Mapping[str, bytes], *options: object) -> Challenge:
    data = write_files(tmp_path / "data", files)
    unlearn("challenge", "build", recipe, tmp_path / "built", "--data", data, *QUICK, *options)
    return load_challenge(tmp_path / "built")


def columns(challenge: Challenge) -> dict[str, dict[str, np.ndarray]]:
    return {name: load_safetensors(challenge.data(name)) for name in SPLITS}


def score(challenge: Challenge, tmp_path: Path, submission: object = "sample_submissions/finetune") -> float:
    """Run a submission twice and return its score."""
    words = ("--challenge", challenge.folder, "-n", 2, "--store", tmp_path / "store", "--json")
    summary = json.loads(unlearn("run", submission, *words).stdout)
    assert summary["verdicts"] == {"ok": 2}
    return float(summary["score"])


def test_idx_from_files_to_a_score(tmp_path: Path) -> None:
    """Real MNIST images are split, trained on, unlearned and scored; the same files build the same challenge."""
    challenge = build(tmp_path, "idx", recipe_data.mnist(), "--limit-examples", 280)
    description = challenge.description
    assert (description.architecture, description.classes, description.training.epochs) == (
        "convnet-1",
        10,
        2,
    )
    assert description.source.most_examples == 280
    splits = columns(challenge)
    rows = np.concatenate([splits[name]["image_id"] for name in SPLITS])
    assert len(set(rows)) == len(rows) == 280
    images, _labels = recipe_data.uncompressed_mnist()
    first = splits["forget"]
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(300, 28, 28)[first["image_id"]]
    assert np.array_equal(first["image"], pixels[:, None] / np.float32(255))
    assert score(challenge, tmp_path) >= 0

    again = ("challenge", "build", "idx", challenge.folder, *QUICK, "--limit-examples", 280, "--data")
    unlearn(*again, recipe_data.MNIST)
    assert load_challenge(challenge.folder).sha256 == challenge.sha256
    other = write_files(tmp_path / "other", {**recipe_data.mnist(), "more": b""})
    assert "holds another challenge" in unlearn(*again, other, code=2).stderr


@pytest.mark.slow
def test_idx_trained_as_in_the_contest(tmp_path: Path) -> None:
    """Original and references use Adam, balanced classes and the best epoch; a run's time limit is a share of
    such a training; the same command finds the challenge built, another training is another challenge."""
    options = ("--limit-examples", 280, "--training", "contest", "--wall-fraction", 1)
    challenge = build(tmp_path, "idx", recipe_data.mnist(), *options)
    description = challenge.description
    assert (description.training.optimizer, description.training.epochs, description.training.momentum) == (
        "adam",
        2,
        0,
    )
    assert (description.training.class_weights, description.training.keep) == (
        "balanced",
        "best-by-validation",
    )
    text = (challenge.folder / "challenge.toml").read_text()
    edit_description(
        challenge.folder, limits__wall_fraction=100.0
    )  # retraining takes less than a run's start
    assert score(load_challenge(challenge.folder), tmp_path) >= 0
    (challenge.folder / "challenge.toml").write_text(text)
    shown = json.loads(unlearn("challenge", "show", challenge.folder, "--json").stdout)
    assert shown["source"]["training"]["preset"] == "contest"
    assert 0 < shown["reference_accuracy"]["retain"]["median"] < 1

    again = (
        "challenge",
        "build",
        "idx",
        challenge.folder,
        *QUICK,
        "--limit-examples",
        280,
        "--wall-fraction",
    )
    unlearn(*again, 1, "--data", recipe_data.MNIST, "--training", "contest")
    (tmp_path / "other.toml").write_text('[training]\npreset = "contest"\nlearning_rate = 2e-4\n')
    other = unlearn(*again, 1, "--data", recipe_data.MNIST, "--training", tmp_path / "other.toml", code=2)
    assert "holds another challenge" in other.stderr


@pytest.mark.slow
def test_an_interrupted_build_from_files_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """Interrupted after its first group of references and resumed, it has the bytes of an uninterrupted build."""
    short = ("--references", 80, "--epochs", 2, "--seed", 5)
    words = ("--data", recipe_data.MNIST, "--training", "contest", *short)
    arguments = ("challenge", "build", "idx", str(tmp_path / "interrupted"), *map(str, words))
    command = [sys.executable, "-m", "runner.cli", *arguments]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("interrupted/.building/group-*.npz")):
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    _out, stderr = first.communicate(timeout=240)
    assert first.returncode == 130, stderr
    groups = {file: file.stat().st_mtime_ns for file in tmp_path.glob("interrupted/.building/group-*.npz")}
    assert 0 < len(groups) < 5
    original = (tmp_path / "interrupted" / CHALLENGE_FILES[0]).stat().st_mtime_ns
    unlearn(*arguments)
    assert (tmp_path / "interrupted" / CHALLENGE_FILES[0]).stat().st_mtime_ns == original
    unlearn("challenge", "build", "idx", tmp_path / "straight", *words)
    for name in (*CHALLENGE_FILES, PROBES_FILE):
        assert (tmp_path / "interrupted" / name).read_bytes() == (
            tmp_path / "straight" / name
        ).read_bytes(), name


def test_a_reference_that_diverges_stops_the_build(tmp_path: Path) -> None:
    """The build stops as soon as the group of the reference arrives, with the reason in one sentence."""
    (tmp_path / "wild.toml").write_text(
        '[training]\nlearning_rate = 1e30\nschedule = "constant"\nnesterov = false\nmomentum = 0.0\n'
    )
    command = ("challenge", "build", "idx", tmp_path / "built", "--data", recipe_data.MNIST, *QUICK)
    done = unlearn(*command, "--training", tmp_path / "wild.toml", code=2)
    assert "diverged" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "built" / "challenge.toml").exists()


def test_a_gpu_on_a_host_without_gpus(tmp_path: Path, engine: Engine) -> None:
    """It is refused with exit code 3 and the reason, before anything is built."""
    if "nvidia" in engine.info().runtimes or engine.info().has_cdi:
        pytest.skip("this engine may have a GPU")
    command = (
        "challenge",
        "build",
        "idx",
        tmp_path / "built",
        "--data",
        recipe_data.MNIST,
        *QUICK,
        "--device",
    )
    assert "The engine offers no GPU" in unlearn(*command, "all", code=3).stderr
    assert "--device must be cpu, all, cuda:NUMBER, or" in unlearn(*command, "gpu0", code=2).stderr
    assert "`nvidia-smi -L`" in unlearn(*command, "cuda:0", code=3).stderr
    assert not (tmp_path / "built").exists()


@pytest.mark.slow
def test_another_seed_gives_other_splits(tmp_path: Path) -> None:
    """From the same files, two challenges whose splits differ."""
    first = columns(build(tmp_path / "1", "idx", recipe_data.mnist(), "--seed", 1))
    second = columns(build(tmp_path / "2", "idx", recipe_data.mnist(), "--seed", 2))
    for name in SPLITS:
        assert set(first[name]["image_id"]) != set(second[name]["image_id"])


@pytest.mark.parametrize(
    ("recipe", "files", "options", "words"),
    [
        (
            "idx",
            {**recipe_data.mnist(), recipe_data.LABELS: recipe_data.uncompressed_mnist()[1][:50]},
            (),
            "The recipe refuses: t10k-labels-idx1-ubyte.gz ends in row 42; its header announces 300 rows.",
        ),
        (
            "idx",
            recipe_data.mnist(),
            ("--architecture", "resnet18"),
            "resnet18 does not accept images of 1x28x28",
        ),
        (
            "idx",
            recipe_data.mnist(),
            ("--architecture", "alexnett"),
            "'alexnett' (did you mean alexnet?); available:",
        ),
        (
            "faces",
            {**recipe_data.tables(), "images/3/0.png": b"BM no image"},
            (),
            "images/3/0.png cannot be read as an image",
        ),
        (
            "faces",
            {**recipe_data.tables(), "images/3/0.png": recipe_data.black_png(20_000)},
            (),
            "images/3/0.png has too many pixels",
        ),
    ],
)
def test_refused(
    tmp_path: Path, recipe: str, files: dict[str, bytes], options: tuple[str, ...], words: str
) -> None:
    """Data that the trainer cannot use is refused in one sentence with exit code 2; no challenge is created."""
    data = write_files(tmp_path / "data", files)
    command = ("challenge", "build", recipe, tmp_path / "built", "--data", data, *QUICK, *options)
    done = unlearn(*command, code=2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "built" / "challenge.toml").exists()


def test_arrays_by_person_from_a_file(tmp_path: Path) -> None:
    """Colour images with persons: no person is in two splits."""
    challenge = build(tmp_path, "arrays", {"own.npz": recipe_data.npz(**recipe_data.own_arrays())})
    assert challenge.description.architecture == "convnet-3"
    splits = columns(challenge)
    persons = [set(splits[name]["person_id"]) for name in SPLITS]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 20


FACE = """
def unlearning(net, retain, forget, val):
    item = forget.dataset[0]
    assert sorted(item) == ["age", "age_group", "image", "image_id", "person_id"], sorted(item)
    assert item["image"].shape == (3, 32, 32) and item["image"].max() > 1
    assert type(net).__name__ == "ResNet" and net.fc.out_features == 10
    assert {x for x in forget.dataset.columns["person_id"]}.isdisjoint(retain.dataset.columns["person_id"])
    for batch in retain:
        net.train()(batch["image"]).sum().backward()
"""


def test_faces_from_folders_to_a_score(tmp_path: Path) -> None:
    """Age groups by person, items and network as in the contest's scored phase."""
    challenge = build(tmp_path, "faces", recipe_data.faces(each=3), "--epochs", 8)
    splits = columns(challenge)
    persons = [set(splits[name]["person_id"]) for name in SPLITS]
    assert sum(map(len, persons)) == len(set.union(*persons)) == recipe_data.PERSONS
    retain = splits["retain"]
    assert retain["image"].max() > 100
    assert np.array_equal(retain["label"], (retain["age"] - 20) * 10 // 40)
    (tmp_path / "face.py").write_text(FACE)
    assert score(challenge, tmp_path, tmp_path / "face.py") >= 0


@pytest.mark.slow
def test_faces_as_the_contest_had_them(tmp_path: Path) -> None:
    """The contest's folders contain depth pictures too, and its splits share persons."""
    files: dict[str, bytes] = {}
    for name, data in recipe_data.faces(each=3).items():
        folder, _slash, picture = name.replace("Training", "WBackground/01").rpartition("/")
        if not folder:
            files[name] = data
            continue
        files[f"{folder}/real.rssdk/color/{picture}"] = data
        files[f"{folder}/real.rssdk/depth/{picture}"] = b"no picture"
    challenge = build(tmp_path, "faces", files, "--shared-persons", "--public")
    splits = columns(challenge)
    assert [len(splits[name]["label"]) for name in ("val", "test")] == [18, 18]
    persons = {name: set(splits[name]["person_id"]) for name in SPLITS}
    assert persons["retain"].isdisjoint(persons["forget"])
    assert persons["retain"] & persons["test"]
    known = len(persons["forget"] & persons["test"])
    shown = unlearn("challenge", "show", challenge.folder).stdout
    assert (f"{known} of {len(persons['forget'])} persons to be forgotten are also in test" in shown) == (
        known > 0
    )
    unlearn("challenge", "export", challenge.folder, "--public", tmp_path / "given")
    assert load_challenge(tmp_path / "given").description.source.shared_persons
    command = (
        "challenge",
        "build",
        "idx",
        tmp_path / "no",
        "--data",
        recipe_data.MNIST,
        "--shared-persons",
        *QUICK,
    )
    assert "the data of idx name no persons" in unlearn(*command, code=2).stderr


def test_faces_from_tables(tmp_path: Path) -> None:
    """The splits are those of the tables, and each image is its row's; other images are counted."""
    extra = {"images/3/7.png": b"in no table", "images/3/8.heic": b"", "images/3/._0.png": b"\0\5\x16\7"}
    data = write_files(tmp_path / "data", {**recipe_data.tables(), **extra})
    command = ("--data", data, *QUICK, "--architecture", "convnet-3")
    built = unlearn("challenge", "build", "faces", tmp_path / "built", *command)
    assert "faces reads 85 of your files; not read: 1 .heic" in built.stderr
    assert "note: images in no table, which were not read: 1" in built.stderr
    challenge = load_challenge(tmp_path / "built")
    facts = challenge.build_facts
    assert facts.notes == (
        "faces reads 85 of your files; not read: 1 .heic",
        "images in no table, which were not read: 1",
    )
    assert list(facts.original_accuracy) == list(SPLITS)
    assert facts.epoch_seconds is not None
    assert 0.001 < facts.epoch_seconds < 60
    assert facts.training_bytes is None or 0 < facts.training_bytes < 1 << 30
    assert f"note: {facts.notes[0]}" in built.stdout
    for number, name in enumerate(SPLITS):
        split = load_safetensors(challenge.data(name))
        assert sorted(set(split["person_id"])) == list(range(10 * number, 10 * number + 10))
        assert set(split["image"][0].ravel()) <= {5 * split["person_id"][0], 5 * split["person_id"][0] + 1}


@pytest.mark.slow
def test_mufac_from_its_tables(tmp_path: Path) -> None:
    """Val and test are the tables', some persons of train are forgotten, and the classes have names."""
    challenge = build(tmp_path, "faces", recipe_data.mufac(), "--architecture", "convnet-3")
    description = challenge.description
    assert (description.classes, (description.class_names or [])[0]) == (8, "0-6 years")
    splits = columns(challenge)
    assert [len(splits[name]["label"]) for name in ("val", "test")] == [48, 48]
    assert set(splits["forget"]["person_id"]).isdisjoint(splits["retain"]["person_id"])
    assert "age" not in splits["retain"]
    for split in splits.values():
        assert np.array_equal(split["image"][:, 0, 0, 0] // 30, split["label"])
    assert "0 0-6 years, 1 7-12 years" in unlearn("challenge", "show", challenge.folder).stdout


@pytest.mark.slow
def test_cifar10_as_it_is_published(tmp_path: Path) -> None:
    """The archive is sent as it is and opened in the trainer; its own hash identifies it."""
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(recipe_data.tar_archive(recipe_data.cifar_python()))
    command = ("--data", archive, *QUICK, "--architecture", "convnet-3")
    unlearn("challenge", "build", "cifar10", tmp_path / "built", *command)
    challenge = load_challenge(tmp_path / "built")
    assert [len(split["label"]) for split in columns(challenge).values()] == [180, 20, 50, 50]
    assert challenge.description.source.data_sha256 is not None


def test_cifar10_with_the_starting_kits_forget_file(tmp_path: Path) -> None:
    """The Python version's pickles are read in the trainer; tuple items, as in the starting kit."""
    files = {**recipe_data.cifar_python(), "forget_idx.npy": npy(np.arange(20))}
    challenge = build(tmp_path, "cifar10", files, "--architecture", "convnet-3", "--items", "tuple")
    splits = columns(challenge)
    assert splits["forget"]["image_id"].tolist() == list(range(20))
    assert [len(splits[name]["label"]) for name in SPLITS] == [180, 20, 50, 50]


def test_a_challenge_for_gpus_is_refused_on_a_host_without_gpus(tmp_path: Path) -> None:
    """It can be built anywhere, records what runs need, and differs from a challenge for the CPU."""
    command = ("challenge", "build", "digits", tmp_path / "gpu", *QUICK)
    unlearn(*command, "--runs-on", "cuda")
    assert tomllib.loads((tmp_path / "gpu" / DESCRIPTION_FILE).read_text())["device"] == "cuda"
    assert "holds another challenge" in unlearn(*command, code=2).stderr
    refused = unlearn(
        "run",
        "sample_submissions/scrub",
        "-c",
        tmp_path / "gpu",
        "-n",
        2,
        "--store",
        tmp_path / "store",
        code=3,
    )
    assert "GPU" in refused.stderr
