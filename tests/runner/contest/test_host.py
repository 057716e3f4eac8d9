"""What a phase states of its evaluations is what they get, or nothing is evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from runner.competition.phase import Phase
from runner.contest.host import phase_device, phase_settings, require_image, require_score_version
from runner.engine.placement import DEFAULT_PLACEMENT
from runner.errors import ConfigurationError, HostNotReadyError, UnmetRequirementError
from scoring.card.version import SCORE_VERSION
from tests.runner.contest.conftest import FIELDS

IMAGE = f"sha256:{'a' * 64}"


def phase(**changes: Any) -> Phase:
    return Phase.model_validate({**FIELDS["phases"][0], **changes})


def test_the_settings_are_those_of_the_phase() -> None:
    """Runs and isolation; a failing run ends the evaluation, and checkpoints are not stored."""
    settings = phase_settings(
        phase(runs=77, isolation="container"), device="cpu", placement=DEFAULT_PLACEMENT
    )
    assert (settings.n, settings.isolation, settings.device) == (77, "container", "cpu")
    assert not settings.keep_going
    assert not settings.keep_checkpoints


def test_the_device_is_of_the_kind_that_the_phase_states() -> None:
    """A phase for the CPU does not get a GPU that was named, and one for GPUs needs one."""
    assert phase_device(phase(), "cuda:0") == "cpu"
    assert phase_device(phase(device="cuda"), "cuda:0") == "cuda:0"
    for device in (None, "cpu"):
        with pytest.raises(ConfigurationError, match="needs a GPU"):
            phase_device(phase(device="cuda"), device)


@pytest.mark.parametrize("config", [f"sha256:{'b' * 64}", ""])
def test_another_image_evaluates_nothing(config: str) -> None:
    """Where the phase states an image; where it states none, any image will do."""
    require_image(phase(image_config=IMAGE), IMAGE)
    require_image(phase(), config)
    with pytest.raises(HostNotReadyError, match="is evaluated with the image"):
        require_image(phase(image_config=IMAGE), config)


def test_another_version_of_the_score_scores_nothing() -> None:
    """Where the phase states one; in the middle of a phase an upgrade would split its leaderboard."""
    require_score_version(phase())
    require_score_version(phase(score_version=SCORE_VERSION))
    with pytest.raises(UnmetRequirementError, match="rejudge start --rescore"):
        require_score_version(phase(score_version=SCORE_VERSION + 1))
