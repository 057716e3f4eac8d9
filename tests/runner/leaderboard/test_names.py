"""Names that a reader cannot tell apart are flagged, other names are not."""

from __future__ import annotations

import pytest

from runner.leaderboard.names import look_alikes
from tests.runner.leaderboard.made_up import HOSTILE_NAMES


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("alpha", "\u0430lpha"),  # a Cyrillic a
        ("alpha", "alph\u0430"),
        ("alpha", "\uff41\uff4c\uff50\uff48\uff41"),  # full width
        ("alpha", "\U0001d552\U0001d55d\U0001d561\U0001d559\U0001d552"),
        ("alpha", "al\u200bpha"),
        ("alpha", "\u202ealpha"),
        ("alpha", "al\ufe0fpha"),
        ("alpha", "Alpha"),
        ("alpha", "alpha "),
        ("Team Ilya", "Team llya"),
        ("team1", "teaml"),
        ("modern", "modem"),
        ("\u03a4\u039f\u03a1", "TOP"),  # Greek capitals
        ("O0O", "000"),
        ("straße", "STRASSE"),
    ],
)
def test_names_that_look_alike(name: str, other: str) -> None:
    """Each is told the other, whichever comes first."""
    assert look_alikes([name, "something else", other]) == {name: [other], other: [name]}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("alpha", "beta"),
        ("mine1", "mine11"),
        ("v1.1", "v11"),
        ("résumé", "resume"),
        ("a-b", "ab"),
        ("", "\u200b"),
    ],
)
def test_names_that_do_not(name: str, other: str) -> None:
    """A difference that a reader sees is none to warn of, and names that show nothing are like none."""
    assert look_alikes([name, other]) == {}


def test_the_same_name_twice_is_no_look_alike() -> None:
    """Versions of a submission are called alike."""
    assert look_alikes(["mine", "mine"]) == {}


def test_hostile_names_take_no_time_and_break_nothing() -> None:
    """Nor do two thousand of them."""
    names = [*HOSTILE_NAMES, *(f"{name}{at}" for at in range(50) for name in HOSTILE_NAMES)]
    alike = look_alikes(names)
    assert all(other != name for name, others in alike.items() for other in others)
