"""`unlearn verify` records its result, for leaderboards."""

from __future__ import annotations

import pytest
import typer

from runner.cli.verify import verify_command
from runner.errors import ConfigurationError
from tests.support.ended_evaluation import Ended, change


def test_a_verification_is_recorded_with_its_mismatches(ended: Ended) -> None:
    """First everything matches; after a change something does not, and the last one counts."""
    folder = ended.challenge.folder
    verify_command(ended.name, store=ended.folder, challenge=folder)
    recorded = ended.store.all_verifications()[ended.name]
    assert (recorded.reruns, recorded.mismatches) == (0, 0)
    change(ended.paths.outputs(1))
    with pytest.raises(typer.Exit):
        verify_command(ended.name, store=ended.folder, challenge=folder)
    assert ended.store.all_verifications()[ended.name].mismatches > 0


def test_a_challenge_that_cannot_be_used_is_no_mismatch_of_the_evaluation(ended: Ended) -> None:
    """Nothing is recorded where the host lacks what a verification needs."""
    with pytest.raises(ConfigurationError):
        verify_command(ended.name, store=ended.folder, challenge=ended.folder / "nowhere")
    assert ended.store.all_verifications() == {}
