"""Challenges built in the real trainer container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan
from runner.challenge.challenge import Challenge
from runner.challenge.layout import CHALLENGE_FILES, PROBES_FILE
from runner.engine.api import Engine
from runner.engine.container_spec import SESSION_LABEL
from runner.errors import ConfigurationError
from runner.image.image import Image
from runner.progress import NullReporter
from sandbox.protocol.splits import SPLITS
from tests.support.command import command_line

pytestmark = pytest.mark.container


def test_the_splits_are_disjoint_and_the_forget_set_lies_in_few_classes(challenge: Challenge) -> None:
    """All 1 797 digits once; about 5 % of the training examples to forget, from three classes."""
    rows = {name: load_safetensors(challenge.data(name)) for name in SPLITS}
    identities = np.concatenate([rows[name]["image_id"] for name in SPLITS])
    assert sorted(identities) == list(range(1797))
    forget = rows["forget"]["label"]
    training = len(forget) + len(rows["retain"]["label"])
    assert 0.045 < len(forget) / training < 0.055
    assert len(set(forget)) == 3
    counts = challenge.description.class_counts
    for name in SPLITS:
        assert counts[name] == np.bincount(rows[name]["label"], minlength=10).tolist()
    assert min(counts["test"]) > 15


def test_the_references_know_their_digits_and_differ(challenge: Challenge) -> None:
    """Every one is well trained, and no two are the same network."""
    assert challenge.references is not None
    correct = challenge.references.correct
    sizes = np.array([sum(challenge.description.class_counts[name]) for name in SPLITS])
    accuracy = correct.sum(axis=2) / sizes
    assert accuracy[:, SPLITS.index("retain")].min() > 0.97
    assert accuracy[:, SPLITS.index("test")].min() > 0.93
    assert len({logits.tobytes() for logits in challenge.references.logits}) == 16


def test_the_same_seed_gives_the_same_bytes(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    plan: BuildPlan,
    challenge: Challenge,
    tmp_path: Path,
) -> None:
    """And a challenge that is interrupted and gone on with is the same challenge."""
    folder, sessions = tmp_path / "small", tmp_path / "state" / "unlearn" / "sessions"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [
        *command_line("challenge", "build", "digits", str(folder)),
        *("--references", "16", "--seed", "7"),
    ]
    first = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 600
    while not (folder / ".building" / "facts.json").is_file():
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.01)
    (session,) = sessions.iterdir()
    first.send_signal(signal.SIGINT)
    _out, words = first.communicate(timeout=240)
    assert first.returncode == 130
    assert "unlearn: Interrupted" in words
    assert engine.containers({SESSION_LABEL: session.name}) == []
    original = (folder / CHALLENGE_FILES[0]).stat().st_mtime_ns
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / CHALLENGE_FILES[0]).stat().st_mtime_ns == original, (
        "the original was trained a second time"
    )
    for name in (*CHALLENGE_FILES, PROBES_FILE):
        assert (folder / name).read_bytes() == (challenge.folder / name).read_bytes(), name
    assert not (folder / ".building").exists()
    assert not list(sessions.iterdir())  # a process's file goes after the last of its containers


OWN = """
from torch import nn

def build(classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, classes))
"""


@pytest.mark.slow
def test_what_was_in_training_is_gone_on_with_after_kill_9(
    engine: Engine, built_image: Image, tmp_path: Path
) -> None:
    """Killed while the original is trained, and again while references are, a build goes on from the last
    snapshot of each, and its challenge is that of a build which nobody disturbed."""
    own = tmp_path / "own.py"
    own.write_text(OWN)

    def command(folder: Path) -> list[str]:
        return [
            *command_line("challenge", "build", "digits", str(folder), "--seed", "3", "--references", "2"),
            *("--architecture-file", str(own), "--epochs", "100", "--snapshot-seconds", "0"),
        ]

    folder = tmp_path / "disturbed" / "own"
    words = []
    for snapshot in ("snapshot.-1.*", "snapshot.[01].*"):
        build = subprocess.Popen(
            command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 240
        while not any(file.suffix != ".partly" for file in (folder / ".building").glob(snapshot)):
            assert time.monotonic() < deadline
            assert build.poll() is None
            time.sleep(0.01)
        build.kill()
        words.append(build.communicate()[1])
    done = subprocess.run(command(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    words.append(done.stderr)
    assert ["from an interrupted build" in text for text in words] == [False, True, True]
    assert not (folder / ".building").exists()
    calm = tmp_path / "calm" / "own"
    assert subprocess.run(command(calm), capture_output=True, check=False).returncode == 0
    for name in (*CHALLENGE_FILES, PROBES_FILE):
        assert (folder / name).read_bytes() == (calm / name).read_bytes(), name


def test_another_plan_is_refused_in_a_folder_that_is_taken(
    engine: Engine, built_image: Image, labels: dict[str, str], plan: BuildPlan, challenge: Challenge
) -> None:
    """Nothing of the present challenge is touched; the same plan is simply there."""

    def build(other_plan: BuildPlan) -> Challenge:
        return build_challenge(
            engine=engine,
            image=built_image,
            plan=other_plan,
            folder=challenge.folder,
            labels=labels,
            reporter=NullReporter(),
        )

    assert build(plan).sha256 == challenge.sha256
    with pytest.raises(ConfigurationError, match="holds another challenge"):
        build(replace(plan, seed=8))
    assert build(plan).sha256 == challenge.sha256


def test_another_seed_gives_another_challenge_in_every_part(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    plan: BuildPlan,
    challenge: Challenge,
    tmp_path: Path,
) -> None:
    """Splits, original network and references."""
    other = build_challenge(
        engine=engine,
        image=built_image,
        plan=replace(plan, seed=8),
        folder=tmp_path / "other",
        labels=labels,
        reporter=NullReporter(),
    )
    for name in (*CHALLENGE_FILES, PROBES_FILE):
        assert (other.folder / name).read_bytes() != (challenge.folder / name).read_bytes(), name


def test_a_stacked_network_trains_as_it_would_alone(in_image: Callable[[str], str]) -> None:
    """After 19 steps, the weights of 4 stacked networks are those of 4 trained one by one."""
    text = in_image("""
import json, torch
from sandbox.recipes.digits import recipe
from sandbox.protocol.presets import Preset
from sandbox.recipes.assemble import assemble
from sandbox.recipes.api import Request
from sandbox.trainer.training import train_stacked
torch.set_num_threads(1)
asked = Request(seed=0, forget_fraction=0.05)
made = assemble(recipe(asked), asked)
retain = made.splits["retain"]
preset = Preset(epochs=1, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
def train(seeds):
    return train_stacked(architecture="digits", classes=10, images=retain["image"], labels=retain["label"],
                         seeds=seeds, preset=preset)
together = train([1, 2, 3, 4])
alone = [train([seed])[0] for seed in (1, 2, 3, 4)]
def distance(a, b):
    return max((a[name].float() - b[name].float()).abs().max().item() for name in a)
print(json.dumps({
    "same": [distance(a, b) for a, b in zip(together, alone)],
    "other": [distance(together[0], b) for b in alone[1:]],
    "steps": int(together[0]["bn1.num_batches_tracked"]),
}))
""")
    result = json.loads(text)
    assert result["steps"] == 19
    assert max(result["same"]) < 1e-2
    assert min(result["other"]) > 1e-1
