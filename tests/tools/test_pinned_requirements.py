"""The lock file pins, by hash, the mypy that checks `sandbox/` inside the image."""

from __future__ import annotations

import pytest

from tests.tools.typecheck_sandbox import LOCK_FILE, PACKAGES, pinned_requirements


def test_the_lock_file_pins_what_mypy_needs() -> None:
    """On a host whose Python differs from the image's, mypy is downloaded by the hashes of the lock file."""
    entries = pinned_requirements(LOCK_FILE.read_text(), PACKAGES)
    assert [line.partition("==")[0] for line in entries.splitlines() if "==" in line] == list(PACKAGES)
    assert entries.count("--hash=sha256:") >= len(PACKAGES)


def test_a_package_that_is_not_pinned_is_an_error() -> None:
    """Nothing is downloaded without a hash."""
    with pytest.raises(ValueError, match="does not pin mypy"):
        pinned_requirements("numpy==1.0 \\\n    --hash=sha256:00\n", ("mypy",))
