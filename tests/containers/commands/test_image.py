"""The image: what is in it, and when it is built."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from runner.engine.api import Engine
from runner.image.build import build_image
from runner.image.image import Image
from runner.progress import NullReporter
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

IMPORTED_BY_ENTRIES = (
    "torch",
    "torchvision",
    "numpy",
    "sklearn",
    "scipy",
    "pandas",
    "PIL",
    "tqdm",
    "safetensors",
    "matplotlib.pyplot",
    "seaborn",
    "requests",
    "tabulate",
    "IPython",
)


def test_a_second_build_does_nothing(engine: Engine, built_image: Image) -> None:
    """The same inputs, the same image, by the engine's own digest."""
    assert build_image(engine, NullReporter()) == built_image
    assert re.fullmatch("[0-9a-f]{64}", built_image.digest)


def test_it_holds_what_is_locked_and_of_the_project_only_the_sandbox(in_image: Callable[[str], str]) -> None:
    """The versions of the lock file, what entries import, `sandbox/`, and nothing set-uid."""
    script = """
import importlib, importlib.metadata, json, pathlib, subprocess
root = pathlib.Path("/opt/unlearn")
print(json.dumps({
    "files": sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()),
    "versions": {d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()},
    "imported": [importlib.import_module(name).__name__ for name in IMPORTS],
    "setuid": subprocess.run("find / -xdev -perm /6000 -type f", shell=True, capture_output=True, text=True).stdout,
}))
""".replace("IMPORTS", repr(IMPORTED_BY_ENTRIES))
    content = json.loads(in_image(script))
    assert content["files"] == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "sandbox").rglob("*.py")
    )
    lock = dict(
        pin
        for name in ("image", "image-extras")
        for pin in re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE
        )
    )
    assert {name: content["versions"].get(name) for name in lock} == lock
    assert content["versions"]["torch"] == "2.14.1"
    assert content["versions"]["torchvision"] == "0.29.1"
    assert len(content["imported"]) == len(IMPORTED_BY_ENTRIES)
    assert content["setuid"] == ""


def test_every_wheel_is_locked_by_hash() -> None:
    """For the image, the host and the tools."""
    for name in ("image", "image-extras", "host", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
        hashed = len(re.findall(r"^[\w.-]+==[^\n]*\\\n\s+--hash=sha256:", text, re.MULTILINE))
        assert pinned == hashed > 10
