"""The image can be built from scratch, as on a machine that has none."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runner.engine.api import Engine
from runner.image.build import build_image
from runner.image.image import DEPS_REPOSITORY, REPOSITORY, Image
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.progress import NullReporter
from tests.support.paths import ROOT

pytestmark = pytest.mark.container


def tiny_wheel() -> bytes:
    """Return a package of one module, as PyPI would serve it."""
    files = {
        "tiny.py": "WORD = 'here'\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "tiny-1.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def inputs_of_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageInputs:
    """A checkout whose lock file names one tiny wheel, which pip finds in a folder."""
    wheel, checkout, shop = tiny_wheel(), tmp_path / "checkout", tmp_path / "shop"
    shop.mkdir()
    (shop / "tiny-1.0-py3-none-any.whl").write_bytes(wheel)
    (checkout / "requirements").mkdir(parents=True)
    (checkout / "requirements" / "image.txt").write_text(
        f"tiny==1.0 --hash=sha256:{sha256(wheel).hexdigest()}\n"
    )
    shutil.copy(ROOT / "Dockerfile", checkout)
    shutil.copytree(ROOT / "sandbox", checkout / "sandbox")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    return ImageInputs(checkout)


def tags(engine: Engine) -> set[str]:
    return {tag for name in (REPOSITORY, DEPS_REPOSITORY) for tag in engine.images.tags(name)}


def test_every_step_of_the_dockerfile_works_from_the_bare_base(
    engine: Engine, built_image: Image, in_image: Callable[..., str], inputs_of_one_wheel: ImageInputs
) -> None:
    """Both halves are built; where an image exists already, mistakes in the first half stay unnoticed."""
    before = tags(engine)
    try:
        built = build_image(engine, NullReporter(), inputs_of_one_wheel)
        added = tags(engine) - before
        assert sorted(tag.split(":")[0] for tag in added) == [DEPS_REPOSITORY, REPOSITORY]
        assert built.tag in added
        assert built.identity != built_image.identity
        script = "import os, tiny; print(tiny.WORD, os.readlink('/kaggle/tmp'))"
        assert in_image(script, tag=built.tag) == "here /proc/self/cwd\n"
    finally:
        for tag in tags(engine) - before:
            engine.images.remove(tag)


def test_the_wheels_half_has_nothing_of_the_small_one() -> None:
    """A change of sandbox/ must neither break nor repeat the half that takes minutes."""
    whole, half = (ROOT / "Dockerfile").read_text(), DEFAULT_INPUTS.deps_dockerfile().decode()
    assert [line.split()[-1] for line in half.splitlines() if line.startswith("FROM")] == ["wheels", "deps"]
    assert "COPY sandbox" in whole
    assert "COPY sandbox" not in half
    assert "CMD" in whole
    assert "CMD" not in half
