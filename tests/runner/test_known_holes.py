"""Is a version called fixed, old or beyond telling as its advisory and its packaging say?"""

from __future__ import annotations

import pytest

from runner.known_holes import CRUN_FIXED, RUNC_FIXED, TOOLKIT_FIXED, Age, age, parse, release_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.8", Age.FIXED),
        ("1.2.7", Age.OLD),
        ("v1.2.5-0-g59923ef", Age.OLD),
        ("1.2.10", Age.FIXED),
        ("1.3.2", Age.OLD),
        ("1.3.3", Age.FIXED),
        ("1.3.0-rc.1", Age.OLD),
        ("1.4.0-rc.2", Age.OLD),
        ("1.4.0-rc.3", Age.FIXED),
        ("1.4.0", Age.FIXED),
        ("1.5.1", Age.FIXED),
        ("2.0.0", Age.FIXED),
        ("1.1.15", Age.OLD),
        ("1.0.0-rc95", Age.OLD),
        ("1.1.5+ds1-1+deb12u1", Age.CANNOT_BE_TOLD),
        ("1.1.5+ds1", Age.CANNOT_BE_TOLD),
        ("1.2.5-0ubuntu1~24.04.1", Age.CANNOT_BE_TOLD),
        ("runc version 1.1.12-2.el9", Age.CANNOT_BE_TOLD),
        ("1.3.3-0ubuntu1~24.04.2", Age.FIXED),
        ("", Age.CANNOT_BE_TOLD),
        ("unknown", Age.CANNOT_BE_TOLD),
    ],
)
def test_runc(text: str, expected: Age) -> None:
    """Each mended line from its own number on; a distribution's older number says nothing."""
    assert age(text, RUNC_FIXED) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVIDIA Container Toolkit CLI version 1.17.8", Age.FIXED),
        ("NVIDIA Container Toolkit CLI version 1.17.7", Age.OLD),
        ("NVIDIA Container Toolkit CLI version 1.18.0-rc.2", Age.FIXED),
        ("", Age.CANNOT_BE_TOLD),
    ],
)
def test_toolkit(text: str, expected: Age) -> None:
    """1.17.8 is the first that is fixed."""
    assert age(text, TOOLKIT_FIXED) is expected


def test_crun_has_two_numbers_in_some_versions() -> None:
    """1.20 is as good as 1.20.0, and above 1.8.1 though it looks smaller as text."""
    assert age("crun version 1.20", CRUN_FIXED) is Age.FIXED
    assert age("crun version 1.8.1", CRUN_FIXED) is Age.OLD


def test_parts_of_a_version() -> None:
    """Release candidates stand before the version they lead to."""
    assert parse("nothing") is None
    candidate, final = parse("1.4.0-rc.3"), parse("1.4.0")
    assert candidate is not None
    assert final is not None
    assert candidate < final


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("runsc version release-20231218.0", 20231218),
        ("runsc version 0.0~20221219.0", 20221219),
        ("runsc version VERSION_MISSING", None),
    ],
)
def test_dates_of_gvisor(text: str, date: int | None) -> None:
    """Upstream's and Debian's form."""
    assert release_date(text) == date
