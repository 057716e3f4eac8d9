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
from runner.image.image import BASE_REPOSITORY, BASE_TAG, DEPS_REPOSITORY, REPOSITORY, Image
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.progress import NullReporter
from tests.support.paths import ROOT

pytestmark = pytest.mark.container


def tiny_wheel(name: str) -> bytes:
    """Return a package of one module, as PyPI would serve it."""
    files = {
        f"{name}.py": "WORD = 'here'\n",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def inputs_of_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageInputs:
    """A checkout whose lock files name one tiny wheel each, which pip finds in a folder."""
    checkout, shop = tmp_path / "checkout", tmp_path / "shop"
    shop.mkdir()
    (checkout / "requirements").mkdir(parents=True)
    for name, lock in (("tiny", "image.txt"), ("small", "image-extras.txt")):
        wheel = tiny_wheel(name)
        (shop / f"{name}-1.0-py3-none-any.whl").write_bytes(wheel)
        (checkout / "requirements" / lock).write_text(
            f"{name}==1.0 --hash=sha256:{sha256(wheel).hexdigest()}\n"
        )
    shutil.copy(ROOT / "Dockerfile", checkout)
    shutil.copytree(ROOT / "sandbox", checkout / "sandbox")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    return ImageInputs(checkout)


def tags(engine: Engine, inputs: ImageInputs) -> list[str]:
    """Return the names of what is built from inputs on this engine's base; other tests build others meanwhile."""
    base = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    assert base is not None
    deps = inputs.deps_digest(base)
    names = [f"{DEPS_REPOSITORY}:{digest[:16]}" for digest in (deps, inputs.extras_digest(deps))]
    return [*names, f"{REPOSITORY}:{inputs.image_digest(base)[:16]}"]


def test_every_step_of_the_dockerfile_works_from_the_bare_base(
    engine: Engine, built_image: Image, in_image: Callable[..., str], inputs_of_one_wheel: ImageInputs
) -> None:
    """All targets are built; where an image exists already, mistakes in the first ones stay unnoticed."""
    names = tags(engine, inputs_of_one_wheel)
    assert [engine.images.identity(name) for name in names] == [None] * 3
    try:
        built = build_image(engine, NullReporter(), inputs_of_one_wheel)
        assert None not in [engine.images.identity(name) for name in names]
        assert built.tag == names[-1]
        assert built.identity != built_image.identity
        script = "import os, small, tiny; print(small.WORD, tiny.WORD, os.readlink('/kaggle/tmp'))"
        assert in_image(script, tag=built.tag) == "here here /proc/self/cwd\n"
    finally:
        for name in reversed(names):
            engine.images.remove(name)


def stages(dockerfile: bytes) -> list[str]:
    return [line.split()[-1] for line in dockerfile.decode().splitlines() if line.startswith("FROM")]


def test_a_target_is_built_from_its_own_stages_only() -> None:
    """A change of sandbox/, or of a small library, must neither break nor repeat the target that takes minutes."""
    whole, deps = (ROOT / "Dockerfile").read_bytes(), DEFAULT_INPUTS.deps_dockerfile()
    assert stages(deps) == ["wheels", "deps"]
    assert stages(DEFAULT_INPUTS.extras_dockerfile()) == ["extra-wheels", "extras"]
    assert stages(whole)[0] == "sandbox"
    for words in (b"COPY sandbox", b"CMD", b"extras"):
        assert words in whole
        assert words not in deps


@pytest.mark.parametrize(
    ("change", "repeated"),
    [
        ("sandbox/stdio.py", "sandbox"),
        ("requirements/image-extras.txt", "extras sandbox"),
        ("requirements/image.txt", "deps extras sandbox"),
    ],
)
def test_a_change_repeats_what_depends_on_it(
    inputs_of_one_wheel: ImageInputs, change: str, repeated: str
) -> None:
    """Digests name what is built: only those of later targets move."""

    def digests() -> dict[str, str]:
        deps = inputs_of_one_wheel.deps_digest("base")
        extras = inputs_of_one_wheel.extras_digest(deps)
        return {"deps": deps, "extras": extras, "sandbox": inputs_of_one_wheel.sandbox_digest(extras)}

    before = digests()
    with (inputs_of_one_wheel.checkout / change).open("a") as file:
        file.write("# changed\n")
    after = digests()
    assert " ".join(name for name in before if before[name] != after[name]) == repeated
