"""The files that the image is built from are where the package looks for them."""

from __future__ import annotations

from pathlib import Path

from runner.checkout import ROOT, find_root
from tests.support.paths import ROOT as CHECKOUT


def test_a_checkout_is_its_own_root() -> None:
    """Nothing is copied there."""
    assert ROOT == CHECKOUT
    assert (ROOT / "Dockerfile").is_file()


def test_an_installed_package_has_copies(tmp_path: Path) -> None:
    """A file of somebody else next to the package is not taken for ours."""
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "runner" / "packaged").mkdir(parents=True)
    assert find_root(tmp_path / "runner") == tmp_path / "runner" / "packaged"
