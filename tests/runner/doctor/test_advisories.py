"""A version is fixed, vulnerable or unknown, according to its advisory and its packaging."""

from __future__ import annotations

import pytest

from runner.doctor.advisories import (
    CRUN_FIXED,
    RUNC_FIXED,
    TOOLKIT_FIXED,
    PatchStatus,
    parse_version,
    patch_status,
    release_date,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.8", PatchStatus.FIXED),
        ("1.2.7", PatchStatus.VULNERABLE),
        ("v1.2.5-0-g59923ef", PatchStatus.VULNERABLE),
        ("1.2.10", PatchStatus.FIXED),
        ("1.3.2", PatchStatus.VULNERABLE),
        ("1.3.3", PatchStatus.FIXED),
        ("1.3.0-rc.1", PatchStatus.VULNERABLE),
        ("1.4.0-rc.2", PatchStatus.VULNERABLE),
        ("1.4.0-rc.3", PatchStatus.FIXED),
        ("1.4.0", PatchStatus.FIXED),
        ("1.5.1", PatchStatus.FIXED),
        ("2.0.0", PatchStatus.FIXED),
        ("1.1.15", PatchStatus.VULNERABLE),
        ("1.0.0-rc95", PatchStatus.VULNERABLE),
        ("1.1.5+ds1-1+deb12u1", PatchStatus.UNKNOWN),
        ("1.1.5+ds1", PatchStatus.UNKNOWN),
        ("1.2.5-0ubuntu1~24.04.1", PatchStatus.UNKNOWN),
        ("runc version 1.1.12-2.el9", PatchStatus.UNKNOWN),
        ("1.3.3-0ubuntu1~24.04.2", PatchStatus.FIXED),
        ("", PatchStatus.UNKNOWN),
        ("unknown", PatchStatus.UNKNOWN),
    ],
)
def test_runc(text: str, expected: PatchStatus) -> None:
    """Each fixed release line from its own number on; an older number of a distribution is unknown."""
    assert patch_status(text, RUNC_FIXED) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVIDIA Container Toolkit CLI version 1.17.8", PatchStatus.FIXED),
        ("NVIDIA Container Toolkit CLI version 1.17.7", PatchStatus.VULNERABLE),
        ("NVIDIA Container Toolkit CLI version 1.18.0-rc.2", PatchStatus.FIXED),
        ("", PatchStatus.UNKNOWN),
    ],
)
def test_toolkit(text: str, expected: PatchStatus) -> None:
    """1.17.8 is the first fixed version."""
    assert patch_status(text, TOOLKIT_FIXED) is expected


def test_crun_has_two_numbers_in_some_versions() -> None:
    """1.20 equals 1.20.0, and is above 1.8.1 though it sorts below it as text."""
    assert patch_status("crun version 1.20", CRUN_FIXED) is PatchStatus.FIXED
    assert patch_status("crun version 1.8.1", CRUN_FIXED) is PatchStatus.VULNERABLE


def test_parts_of_a_version() -> None:
    """A release candidate sorts before its final version."""
    assert parse_version("nothing") is None
    candidate, final = parse_version("1.4.0-rc.3"), parse_version("1.4.0")
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
    """The date is read from upstream's and from Debian's form."""
    assert release_date(text) == date
