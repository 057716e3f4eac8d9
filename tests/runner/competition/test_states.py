"""States of entries: every state has an owner, an end is reachable, and steps are checked."""

from __future__ import annotations

import pytest

from runner.competition.states import (
    DUTIES,
    IN_FLIGHT,
    NEXT,
    EntryState,
    is_stuck,
    may_cancel,
    require_step,
)

ENDS = {
    EntryState.SCORED,
    EntryState.FAILED,
    EntryState.REFUSED,
    EntryState.WITHDRAWN,
    EntryState.LATE,
    EntryState.DISQUALIFIED,
    EntryState.SUPERSEDED,
}


def test_no_state_is_without_an_owner_and_a_time() -> None:
    """Stuck states are what participants of every platform complain about."""
    assert DUTIES.keys() == NEXT.keys() == set(EntryState)
    resting = {state for state, duty in DUTIES.items() if duty.owner == "nobody"}
    assert resting == ENDS
    assert {state for state, duty in DUTIES.items() if duty.seconds is None} == ENDS


@pytest.mark.parametrize("state", [state for state in EntryState if state not in ENDS])
def test_an_end_can_be_reached_from_every_state(state: EntryState) -> None:
    """Without an organizer's doing, and back into the queue where the fault was ours."""
    reached, open_states = {state}, {state}
    while open_states:
        step = {after for one in open_states for after in NEXT[one] - {EntryState.DISQUALIFIED}} - reached
        reached |= step
        open_states = step
    assert {EntryState.SCORED, EntryState.FAILED} <= reached


def test_steps_that_make_no_sense_are_refused() -> None:
    """A scored entry does not run again under its own row, and nothing comes back from an organizer's no."""
    require_step(EntryState.RUNNING, EntryState.HELD)
    require_step(EntryState.HELD, EntryState.QUEUED)
    for state, following in (
        (EntryState.SCORED, EntryState.RUNNING),
        (EntryState.DISQUALIFIED, EntryState.SCORED),
        (EntryState.RECEIVED, EntryState.SCORED),
        (EntryState.REFUSED, EntryState.QUEUED),
    ):
        with pytest.raises(ValueError, match=f"An entry that is {state} cannot become {following}"):
            require_step(state, following)


def test_a_team_cancels_only_what_has_not_run() -> None:
    """What has run has used machine time."""
    assert {state for state in EntryState if may_cancel(state)} == IN_FLIGHT - {
        EntryState.RUNNING,
        EntryState.SCORING,
    }


def test_what_stays_too_long_is_stuck() -> None:
    """A scored entry never is."""
    assert not is_stuck(EntryState.CHECKING, 599)
    assert is_stuck(EntryState.CHECKING, 601)
    assert is_stuck(EntryState.HELD, 3601)
    assert not is_stuck(EntryState.SCORED, 1e12)
