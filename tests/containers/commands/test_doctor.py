"""`unlearn doctor` on this host: the engine is looked at, and attacks are run and held."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.doctor.attacks import QUICK
from runner.gallery.attacks import HOSTILE
from runner.image.image import Image


@pytest.mark.container
def test_attacks_are_contained_on_this_host(built_image: Image, tmp_path: Path) -> None:
    """Each of the selection that is there has a finding of its own, and none of them is broken."""
    done = subprocess.run(
        [sys.executable, "-m", "runner.cli", "doctor", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    said = json.loads(done.stdout)
    found = {one["id"]: one for one in said["findings"]}
    assert found["image"]["found"] == built_image.tag
    there = {f"attack/{name}" for name in QUICK if (HOSTILE / name).is_dir()}
    attacks = {name: one for name, one in found.items() if name.startswith("attack/")}
    assert there
    assert attacks.keys() == there | {"attack/left-on-host"}
    assert [one for one in attacks.values() if one["status"] not in ("ok", "warning")] == []
    assert done.returncode == (0 if said["ready"] else 3)
