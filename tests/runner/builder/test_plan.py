"""The options of a build are checked together, before any file is read."""

from __future__ import annotations

from typing import Any

import pytest

from runner.builder.data_files import OrganizerData
from runner.builder.plan import BuildPlan, default_limits, plan_build
from runner.challenge.architecture import ArchitectureFile
from runner.challenge.limits import Limits
from runner.challenge.training import TrainingChoice
from runner.errors import ConfigurationError
from runner.units import MIB


def plan(**options: Any) -> BuildPlan:
    return plan_build(
        **{"recipe": "digits", "name": "mine", "seed": 7, "forget_fraction": 0.1, "references": 8, **options}
    )


def test_defaults() -> None:
    """The recipe's limits apply, and the source names only what was chosen."""
    built = plan()
    assert built.limits == default_limits("digits")
    assert built.source.model_dump(exclude_none=True) == {}
    assert (built.visibility, built.device, built.item_format, built.feedback) == (
        *("private", "cpu", "dict", "full"),
    )


def test_runs_on_a_gpu_get_more_memory() -> None:
    """Unless an option says how much; the other limits are the recipe's."""
    built = plan(runs_on="cuda")
    assert built.limits.memory_bytes == 4096 * MIB
    assert built.limits.with_changes(memory_bytes=2048 * MIB) == default_limits("digits")
    assert plan(runs_on="cuda", limits={"memory_bytes": 1024 * MIB}).limits.memory_bytes == 1024 * MIB


def test_options_end_up_in_the_plan() -> None:
    """Each in its place; an own network is named by its hash."""
    network = ArchitectureFile(data=b"def build(classes): ...", text="def build(classes): ...")
    built = plan(
        recipe="faces",
        has_data=True,
        public=True,
        runs_on="cuda",
        item_format="tuple",
        feedback="verdict-only",
        max_examples=500,
        shared_persons=True,
        architecture_file=network,
        training=TrainingChoice(preset="contest"),
        epochs=3,
        train_device="GPU-1",
    )
    assert (built.visibility, built.device, built.item_format, built.feedback) == (
        *("public", "cuda", "tuple", "verdict-only"),
    )
    assert built.architecture_file is network
    assert built.source.model_dump(exclude_none=True) == {
        "most_examples": 500,
        "shared_persons": True,
        "architecture": "file",
        "architecture_sha256": network.sha256,
        "training": {"preset": "contest"},
        "epochs": 3,
        "device": "cuda",
    }
    assert plan(architecture="resnet18").source.architecture == "resnet18"


def test_with_data() -> None:
    """The hash of the files is the only change."""
    data = OrganizerData(files=())
    before = plan(recipe="idx", has_data=True)
    after = before.with_data(data)
    assert after.source.model_dump(exclude_none=True) == {"data_sha256": data.sha256}
    assert after.recipe == before.recipe
    assert before.source.data_sha256 is None


@pytest.mark.parametrize(
    ("options", "time_limit"),
    [
        ({}, (60.0, None)),
        ({"recipe": "cifar10", "download": True}, (None, 0.4)),
        ({"recipe": "cifar100", "has_data": True, "runs_on": "cuda"}, (None, 0.4)),
        ({"recipe": "cifar10", "download": True, "epochs": 5}, (60.0, None)),
        ({"recipe": "cifar10", "download": True, "epochs": 30}, (None, 0.4)),
        ({"recipe": "cifar10", "download": True, "training": TrainingChoice(epochs=29)}, (60.0, None)),
        ({"recipe": "cifar10", "download": True, "training": TrainingChoice(preset="contest")}, (None, 0.4)),
        ({"recipe": "cifar10", "download": True, "max_examples": 500}, (60.0, None)),
        ({"recipe": "cifar10", "download": True, "limits": {"wall_seconds": 60.0}}, (60.0, None)),
        ({"recipe": "cifar10", "download": True, "limits": {"wall_fraction": 0.2}}, (None, 0.2)),
        ({"recipe": "arrays", "has_data": True, "epochs": 300}, (60.0, None)),
    ],
)
def test_the_default_time_limit_is_a_fraction_where_retraining_takes_minutes(
    options: dict[str, Any], time_limit: tuple[float | None, float | None]
) -> None:
    """Of few examples or few epochs it may be less than what a run takes to import and save."""
    limits = plan(**options).limits
    assert (limits.wall_seconds, limits.wall_fraction) == time_limit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "digitz"}, "There is no recipe 'digitz'; choose one of: arrays, "),
        ({"has_data": True}, "The recipe digits brings its own data; leave --data out"),
        ({"recipe": "idx"}, "The recipe idx reads your files; name them with --data"),
        ({"download": True}, "Use --download for cifar10 only, and without --data"),
        ({"recipe": "idx", "download": True}, "Use --download for cifar10 only"),
        ({"recipe": "cifar10", "has_data": True, "download": True}, "without --data"),
        ({"recipe": "idx", "has_data": True, "shared_persons": True}, "the data of idx name no persons"),
        ({"limits": {"cpus": -5.0}}, "--cpus: must be above 0"),
        ({"limits": {"memory_bytes": 1 << 20}}, "--memory-mib must be from 64 to 4194304, not 1 "),
        ({"limits": {"memory_bytes": -5}}, "--memory-mib must be from 64"),
        ({"limits": {"memory_bytes": 1 << 50}}, "--memory-mib must be from 64"),
        ({"limits": {"submission_bytes": 1023}}, "--submission-kib must be from 1 to 102400, not 1;"),
        ({"limits": {"submission_bytes": 101 << 20}}, "--submission-kib must be from 1 to 102400"),
        ({"limits": {"submission_bytes": -5 << 10}}, "--submission-kib must be from 1 to 102400, not -5;"),
        ({"limits": {"wall_fraction": 7.0}}, "--wall-fraction must be at most 1, not 7: with more time than"),
        ({"limits": {"retraining_fraction": 1.5}}, "--retraining-fraction must be from 0.001 to 1, not 1.5:"),
        (
            {"limits": {"retraining_fraction": -0.2}},
            "--retraining-fraction must be from 0.001 to 1, not -0.2",
        ),
        ({"limits": {"wall_fraction": -0.1}}, "--wall-fraction: must be above 0"),
        ({"references": 100_000_000}, "--references must be at most 100000, not 100000000"),
        (
            {"architecture": "resnet81"},
            "--architecture: unknown architecture 'resnet81' .did you mean resnet18",
        ),
        (
            {"architecture": "digitz"},
            "; available: digits, convnet-1, convnet-3 and any classifier of torchvision",
        ),
        ({"architecture": "fasterrcnn_resnet50_fpn"}, "unknown architecture 'fasterrcnn_resnet50_fpn'"),
        ({"limits": {"wall_seconds": 1.0, "wall_fraction": 0.5}}, "wall_seconds or wall_fraction"),
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any], message: str) -> None:
    """The error names the option, and what to type instead."""
    with pytest.raises(ConfigurationError, match=message):
        plan(**options)


def test_a_recipe_with_an_archive_needs_files_or_the_download() -> None:
    """Either is accepted."""
    assert plan(recipe="cifar10", download=True).recipe == "cifar10"
    assert plan(recipe="cifar10", has_data=True).recipe == "cifar10"


def test_a_fraction_replaces_the_default_seconds() -> None:
    """Every other limit keeps its default; None stands for an option that was not typed."""
    limits = plan(limits={"wall_fraction": 0.5, "wall_seconds": None, "concurrency": 4}).limits
    assert limits == Limits(wall_fraction=0.5, cpus=2.0, concurrency=4)
