"""An evaluation's name changes with everything that affects its results, and with nothing else."""

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


def test_the_name_changes_with_each_part(challenge: Challenge) -> None:
    """Another submission, challenge, image, n, isolation, runtime or device is another evaluation."""
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


def test_exchanged_hashes_change_the_name(challenge: Challenge) -> None:
    """The same two hashes in exchanged roles are another evaluation."""
    swapped = evaluation_id_of(
        replace(MINE, sha256=IMAGE.digest), challenge, replace(IMAGE, digest=MINE.sha256), settings(10)
    )
    assert swapped != evaluation_id_of(MINE, challenge, IMAGE, settings(10))


def test_labels_do_not_change_the_name(challenge: Challenge) -> None:
    """The submission's name and the engine's identity of the image have no effect."""
    renamed = replace(MINE, name="renamed")
    rebuilt = replace(IMAGE, identity="sha256:2")
    assert evaluation_id_of(renamed, challenge, rebuilt, settings(10)) == evaluation_id_of(
        MINE, challenge, IMAGE, settings(10)
    )


def test_the_name_changes_with_the_limits(load_challenge: Callable[[Limits], Challenge]) -> None:
    """A challenge with other limits is another challenge, and so another evaluation."""
    short, long = load_challenge(Limits(wall_seconds=1.0)), load_challenge(Limits(wall_seconds=2.0))
    assert evaluation_id_of(MINE, short, IMAGE, settings(10)) != evaluation_id_of(
        MINE, long, IMAGE, settings(10)
    )


def test_the_name_can_be_a_folder_name(challenge: Challenge) -> None:
    """It is twelve hexadecimal digits."""
    name = evaluation_id_of(MINE, challenge, IMAGE, settings(10))
    assert len(name) == 12
    assert set(name) <= set("0123456789abcdef")


def test_the_name_is_stable_across_versions(challenge: Challenge) -> None:
    """Evaluations are resumed by their names, so a name must never change."""
    assert evaluation_id_of(MINE, replace(challenge, sha256="d" * 64), IMAGE, settings(512)) == "dfc121dc9453"


def test_each_run_has_its_own_files(challenge: Challenge) -> None:
    """The paths of checkpoints, outputs and logs are distinct and in the evaluation's folder."""
    paths = EvaluationPaths(folder=challenge.folder / "x")
    files = [
        path_of(index) for path_of in (paths.checkpoint, paths.outputs, paths.log) for index in range(20_000)
    ]
    assert len({*files, paths.summary}) == len(files) + 1
    assert all(file.is_relative_to(paths.folder) for file in files)
