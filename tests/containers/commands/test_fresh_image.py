"""The image can be built from scratch, as on a machine that has none."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from runner.engine.api import Engine
from runner.image.build import build_image
from runner.image.image import (
    BASE_REPOSITORY,
    BASE_TAG,
    DEPS_REPOSITORY,
    REPOSITORY,
    SELECTED_REPOSITORY,
    TORCH_LABEL,
    Image,
    find_image,
)
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.image.torch_wheels import PACKAGES, TorchWheels
from runner.progress import NullReporter
from tests.runner.image.test_torch_wheels import served
from tests.support.paths import ROOT

pytestmark = pytest.mark.container


def tiny_wheel(name: str, version: str = "1.0") -> bytes:
    """Return a package of one module, as PyPI would serve it."""
    files = {
        f"{name}.py": "WORD = 'here'\n",
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-{version}.dist-info/RECORD"
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


def shelve(shop: Path, name: str, version: str = "1.0") -> str:
    """Put a tiny wheel into a package index, and return its line of a lock file."""
    wheel = tiny_wheel(name, version)
    (shop / name).mkdir(parents=True, exist_ok=True)
    file = f"{name}-{version}-py3-none-any.whl"
    (shop / name / file).write_bytes(wheel)
    link = f'<a href="{file.replace("+", "%2B")}">{file}</a>'
    (shop / name / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    return f"{name}=={version} --hash=sha256:{sha256(wheel).hexdigest()}\n"


@pytest.mark.slow
def test_torch_from_another_index(
    engine: Engine,
    in_image: Callable[..., str],
    inputs_of_one_wheel: ImageInputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is in the image beside the locked rest; what the locked torch needs for GPUs is not even looked for."""
    lock = inputs_of_one_wheel.checkout / "requirements" / "image.txt"
    rest = shelve(tmp_path / "usual", "tiny") + "nvidia-cublas==13.1 --hash=sha256:" + "0" * 64 + "\n"
    lock.write_text(rest + "".join(f"{name}==2.0 --hash=sha256:{'1' * 64}\n" for name in PACKAGES))
    shelve(tmp_path / "usual", "small")
    for name in PACKAGES:
        shelve(tmp_path / "special", name, "2.0+cpu")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    before: list[str] = []
    with served(tmp_path / "usual") as usual, served(tmp_path / "special") as special:
        monkeypatch.setenv("PIP_INDEX_URL", usual)
        try:
            built = build_image(engine, NullReporter(), inputs_of_one_wheel, torch_index=special)
            assert find_image(engine, inputs_of_one_wheel) == built
            facts = engine.images.facts(built.tag)
            torch = TorchWheels.of_label(facts["labels"][TORCH_LABEL])
            assert torch is not None
            assert [(wheel.name, wheel.version) for wheel in torch.wheels] == [
                (name, "2.0+cpu") for name in PACKAGES
            ]
            before = tags(engine, replace(inputs_of_one_wheel, torch=torch))
            script = (
                "import importlib.metadata as m, small, tiny, torch; print(torch.WORD, m.version('torch'))"
            )
            assert in_image(script, tag=built.tag) == "here 2.0+cpu\n"
            shutil.rmtree(tmp_path / "special")  # what is built needs the index no more
            assert build_image(engine, NullReporter(), inputs_of_one_wheel, torch_index=special) == built
        finally:
            engine.images.remove(f"{SELECTED_REPOSITORY}:{inputs_of_one_wheel.version_digest()[:16]}")
            for name in reversed(before):
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
