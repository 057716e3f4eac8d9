"""Does an evaluation's name change with all that matters, and with nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.placement import Isolation, Placement
from runner.evaluation.evaluate import evaluation_id_of
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.store.paths import EvaluationPaths
from runner.submission.load import Submission

MINE = Submission(name="mine", sha256="a" * 64, archive=b"zip")
IMAGE = Image(digest="b" * 64, identity="sha256:1")


def settings(n: int, isolation: Isolation = "process", runtime: str = "", device: str = "cpu") -> Settings:
    return Settings(
        n=n,
        keep_going=False,
        keep_checkpoints=False,
        isolation=isolation,
        placement=Placement(runtime=runtime),
        device=device,
    )


@pytest.fixture
def challenge(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    """Return the tiny challenge."""
    return load_challenge(Limits())


def test_changes_with_each_part(challenge: Challenge) -> None:
    """Another submission, challenge, image or n is another evaluation."""
    names = {
        evaluation_id_of(MINE, challenge, IMAGE, settings(10)),
        evaluation_id_of(replace(MINE, sha256="c" * 64), challenge, IMAGE, settings(10)),
        evaluation_id_of(MINE, replace(challenge, sha256="c" * 64), IMAGE, settings(10)),
        evaluation_id_of(MINE, challenge, replace(IMAGE, digest="c" * 64), settings(10)),
        evaluation_id_of(MINE, challenge, IMAGE, settings(11)),
        evaluation_id_of(MINE, challenge, IMAGE, settings(10, isolation="container")),
        evaluation_id_of(MINE, challenge, IMAGE, settings(10, runtime="runsc")),
        evaluation_id_of(MINE, challenge, IMAGE, settings(10, device="all")),
    }
    assert len(names) == 8


def test_parts_do_not_run_together(challenge: Challenge) -> None:
    """Two hashes exchanged are another evaluation."""
    swapped = evaluation_id_of(
        replace(MINE, sha256=IMAGE.digest), challenge, replace(IMAGE, digest=MINE.sha256), settings(10)
    )
    assert swapped != evaluation_id_of(MINE, challenge, IMAGE, settings(10))


def test_does_not_change_with_anything_else(challenge: Challenge) -> None:
    """What a submission is called, and how the engine calls the image, does not matter."""
    renamed = replace(MINE, name="renamed")
    rebuilt = replace(IMAGE, identity="sha256:2")
    assert evaluation_id_of(renamed, challenge, rebuilt, settings(10)) == evaluation_id_of(
        MINE, challenge, IMAGE, settings(10)
    )


def test_changes_with_the_limits(load_challenge: Callable[[Limits], Challenge]) -> None:
    """A challenge with other limits is another challenge, and so another evaluation."""
    short, long = load_challenge(Limits(wall_seconds=1.0)), load_challenge(Limits(wall_seconds=2.0))
    assert evaluation_id_of(MINE, short, IMAGE, settings(10)) != evaluation_id_of(
        MINE, long, IMAGE, settings(10)
    )


def test_is_fit_for_a_folder(challenge: Challenge) -> None:
    """The name is twelve hexadecimal digits."""
    name = evaluation_id_of(MINE, challenge, IMAGE, settings(10))
    assert len(name) == 12
    assert set(name) <= set("0123456789abcdef")


def test_golden(challenge: Challenge) -> None:
    """The name of a given evaluation never changes: stores are resumed by it."""
    assert evaluation_id_of(MINE, replace(challenge, sha256="d" * 64), IMAGE, settings(512)) == "dfc121dc9453"


def test_files_of_runs_do_not_meet(challenge: Challenge) -> None:
    """Every run has a checkpoint, outputs and a log of its own, in the evaluation's folder."""
    paths = EvaluationPaths(folder=challenge.folder / "x")
    files = [
        place(index) for place in (paths.checkpoint, paths.outputs, paths.log) for index in range(20_000)
    ]
    assert len({*files, paths.summary}) == len(files) + 1
    assert all(file.is_relative_to(paths.folder) for file in files)
