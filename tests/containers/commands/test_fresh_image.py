"""The image from nothing: what a machine does first, and one that has an image never again."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runner.engine.api import Engine
from runner.image import build, image, inputs
from runner.image.build import build_image
from runner.image.image import Image
from runner.progress import NullReporter
from tests.support.paths import ROOT

pytestmark = pytest.mark.container


def tiny_wheel() -> bytes:
    """A package of one module, as PyPI would give it."""
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
def checkout_of_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
    monkeypatch.setattr(inputs, "ROOT", checkout)
    monkeypatch.setattr(build, "ROOT", checkout)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    return checkout


def tags(engine: Engine) -> set[str]:
    return {tag for name in (image.REPOSITORY, image.DEPS_REPOSITORY) for tag in engine.images.tags(name)}


@pytest.mark.usefixtures("checkout_of_one_wheel")
def test_every_step_of_the_dockerfile_works_from_the_bare_base(
    engine: Engine, built_image: Image, in_image: Callable[..., str]
) -> None:
    """Both halves; where an image lies already, the first is never built and its mistakes not seen."""
    before = tags(engine)
    try:
        built = build_image(engine, NullReporter())
        added = tags(engine) - before
        assert sorted(tag.split(":")[0] for tag in added) == [image.DEPS_REPOSITORY, image.REPOSITORY]
        assert built.tag in added
        assert built.identity != built_image.identity
        script = "import os, tiny; print(tiny.WORD, os.readlink('/kaggle/tmp'))"
        assert in_image(script, tag=built.tag) == "here /proc/self/cwd\n"
    finally:
        for tag in tags(engine) - before:
            engine.images.remove(tag)


def test_the_wheels_half_has_nothing_of_the_small_one() -> None:
    """Else a change of sandbox/ could break, or repeat, the half that takes minutes."""
    whole, half = (ROOT / "Dockerfile").read_text(), inputs.deps_dockerfile().decode()
    assert [line.split()[-1] for line in half.splitlines() if line.startswith("FROM")] == ["wheels", "deps"]
    assert "COPY sandbox" in whole
    assert "COPY sandbox" not in half
    assert "CMD" in whole
    assert "CMD" not in half
