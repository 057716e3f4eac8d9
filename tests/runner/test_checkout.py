"""A next step can be taken where it is shown."""

from __future__ import annotations

from pathlib import Path

from runner.checkout import next_step


def test_what_builds_from_the_checkout_is_only_offered_there(tmp_path: Path) -> None:
    """An installed package has no Dockerfile: it says where the command works."""
    assert next_step("unlearn setup") == "run: unlearn setup"
    elsewhere = next_step("unlearn setup", root=tmp_path)
    assert elsewhere == "run this in a checkout of the project, from which the image is built: unlearn setup"
