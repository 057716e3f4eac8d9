"""torch from another package index: what is downloaded from where, and that it makes another image."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.build import build_image, find_built_from
from runner.image.image import (
    BASE_LABEL,
    BASE_REPOSITORY,
    BASE_TAG,
    DIGEST_LABEL,
    TORCH_LABEL,
    find_built_image,
    find_image,
    has_present_inputs,
)
from runner.image.inputs import ImageInputs
from runner.image.platform import AMD64, ARM64
from runner.image.torch_wheels import (
    TorchWheels,
    Wheel,
    checked_index,
    locked_versions,
    torch_command,
    without_torch,
)
from runner.image.wheels import download_torch, take_torch
from runner.progress import NullReporter
from tests.support.fake_engine import FakeEngine, new_image
from tests.support.paths import ROOT

LOCK = (ROOT / AMD64.lock_file).read_bytes()
INDEX = "https://index.example/cpu"
WHEELS = (
    Wheel(name="torch", version="2.14.1+cpu", sha256="1" * 64),
    Wheel(name="torchvision", version="0.29.1+cpu", sha256="2" * 64),
)
TORCH = TorchWheels(index=INDEX, wheels=WHEELS)


@pytest.mark.parametrize("platform", [AMD64, ARM64], ids=lambda each: each.name)
def test_the_rest_of_the_lock_file_stays(platform: object) -> None:
    """Without the two packages and what they need for GPUs; the same versions and hashes."""
    lock = (ROOT / getattr(platform, "lock_file")).read_bytes()  # noqa: B009 - it is one of two platforms
    rest = dict(locked_versions(without_torch(lock)))
    left_out = dict(locked_versions(lock)).keys() - rest.keys()
    assert {"torch", "torchvision", "triton"} <= left_out
    assert all(name.startswith(("torch", "triton", "nvidia-", "cuda-")) for name in left_out)
    assert {"numpy", "scipy", "scikit-learn", "pandas", "pillow", "safetensors", "sympy"} <= rest.keys()
    assert without_torch(lock).count(b"--hash=sha256:") > len(rest) - 1
    for line in without_torch(lock).splitlines():
        assert line in lock.splitlines()


def test_the_new_wheels_are_locked_too() -> None:
    """By the hashes of what the index served."""
    lock = TORCH.lock(LOCK).decode()
    assert f"\ntorch==2.14.1+cpu --hash=sha256:{'1' * 64}\n" in lock
    assert f"\ntorchvision==0.29.1+cpu --hash=sha256:{'2' * 64}\n" in lock
    assert dict(locked_versions(lock.encode()))["torch"] == "2.14.1+cpu"
    assert "nvidia" not in lock


def test_it_is_another_image_whose_label_says_from_where() -> None:
    """Each index and each served file another one; from the label its inputs can be computed again."""
    inputs = ImageInputs(ROOT)
    changed = replace(TORCH, wheels=(replace(WHEELS[0], sha256="3" * 64), WHEELS[1]))
    images = [replace(inputs, torch=torch) for torch in (None, TORCH, changed)]
    digests = [each.image_digest("base") for each in images]
    assert len(set(digests)) == 3
    assert len({each.version_digest() for each in images}) == 1
    labels = {BASE_LABEL: "base", DIGEST_LABEL: digests[1], TORCH_LABEL: TORCH.label()}
    assert has_present_inputs({"labels": labels, "architecture": "amd64"}, inputs)
    for wrong in ({TORCH_LABEL: changed.label()}, {TORCH_LABEL: "{}"}, {BASE_LABEL: "other"}):
        assert not has_present_inputs({"labels": {**labels, **wrong}, "architecture": "amd64"}, inputs)
    del labels[TORCH_LABEL]
    assert not has_present_inputs({"labels": labels, "architecture": "amd64"}, inputs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        TORCH.label().replace("torchvision", "torch vision"),
        TORCH.label().replace("1" * 64, "1" * 63),
        TORCH.label().replace("+cpu", "+cpu --hash=sha256:00\\nother==1"),
        TORCH.label().replace('"name"', '"title"'),
    ],
)
def test_a_damaged_label_is_none(text: str) -> None:
    """Labels are strangers' text, and become lines of a lock file."""
    assert TorchWheels.of_label(TORCH.label()) == TORCH
    assert TorchWheels.of_label(text) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (INDEX, INDEX),
        ("https://user:secret@index.example:8443/cpu", "https://index.example:8443/cpu"),
        ("http://[::1]:80/cpu?token=secret#x", "http://[::1]:80/cpu"),
        ("file:///srv/index", "file:///srv/index"),
    ],
)
def test_an_index_is_shown_without_secrets(url: str, shown: str) -> None:
    """The address stands in a label that everybody can read."""
    assert checked_index(url) == shown


@pytest.mark.parametrize(
    "url", ["cpu", "index.example/cpu", "ftp://index.example", "https://", "https://h:x/", "http://[1"]
)
def test_what_is_no_address_is_a_sentence(url: str) -> None:
    """Before anything is downloaded."""
    with pytest.raises(ConfigurationError, match="--torch-index is no address"):
        checked_index(url)


def test_the_index_alone_serves_the_two() -> None:
    """In the locked versions, for the engine's platform, and nothing that they depend on."""
    command = torch_command("python", INDEX, LOCK, Path("wheels"), ARM64)
    assert command[-2:] == ["torch==2.14.1", "torchvision==0.29.1"]
    assert command[command.index("--index-url") + 1] == INDEX
    assert {"--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_aarch64"} <= set(command)
    assert "-r" not in command
    with pytest.raises(HostNotReadyError, match="does not name torch"):
        torch_command("python", INDEX, b"numpy==1\n", Path("wheels"), AMD64)


def cpu_wheel(name: str, version: str) -> bytes:
    """Return a package of one module, as an index with builds for the CPU serves it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "WORD = 'cpu'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in (*files, f"{info}/RECORD"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return packed.getvalue()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A package index with builds of torch for the CPU, and others that must not be chosen."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    versions = {"torch": "2.14.1+cpu", "torchvision": "0.29.1+cpu"}
    wheels = {}
    for name, version in versions.items():
        page = tmp_path / "index" / name
        page.mkdir(parents=True)
        links = []
        for tag in (
            "cp311-cp311-manylinux_2_28_x86_64",
            "cp311-cp311-macosx_14_0_arm64",
            "cp313-cp313-win_amd64",
        ):
            file = f"{name}-{version}-{tag}.whl"
            wheels[file] = cpu_wheel(name, version)
            (page / file).write_bytes(wheels[file])
            links.append(f'<a href="{file.replace("+", "%2B")}">{file}</a>')
        (page / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>")
    with served(tmp_path / "index") as url:
        yield url, wheels


def test_wheels_from_a_local_index(index: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    """The ones for the engine's platform, known by their hashes, moved to those from PyPI."""
    url, wheels = index
    torch = download_torch(url, url, ImageInputs(ROOT), NullReporter())
    names = [f"{wheel.name}-{wheel.version}-cp311-cp311-manylinux_2_28_x86_64.whl" for wheel in torch.wheels]
    assert [wheel.sha256 for wheel in torch.wheels] == [
        hashlib.sha256(wheels[name]).hexdigest() for name in names
    ]
    folder = tmp_path / "wheels"
    folder.mkdir()
    take_torch(torch, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.mark.slow  # pip starts twice in this file as it is
def test_an_index_without_a_build_for_the_platform_is_a_sentence(index: tuple[str, dict[str, bytes]]) -> None:
    """With pip's own words."""
    url, _wheels = index
    with pytest.raises(
        HostNotReadyError, match=f"could not be downloaded from {url}: ERROR: .*torch==2.14.1"
    ):
        download_torch(url, url, ImageInputs(ROOT, ARM64), NullReporter())


def test_an_image_from_an_index_is_used_until_the_other_is_built_again(tmp_path: Path) -> None:
    """`image build` with and without the option chooses; nothing is downloaded for an image that exists."""
    inputs, engine = ImageInputs(ROOT), FakeEngine()
    engine.images.by_tag[f"{BASE_REPOSITORY}:{BASE_TAG}"] = base = new_image()
    for torch in (None, TORCH):
        digest = replace(inputs, torch=torch).image_digest(base.identity)
        labels = {BASE_LABEL: base.identity, DIGEST_LABEL: digest}
        image = new_image({**labels, TORCH_LABEL: torch.label()} if torch else labels)
        engine.images.by_tag[f"unlearn-sandbox:{digest[:16]}"] = image
    usual = find_built_image(engine, inputs)
    special = find_built_from(engine, INDEX, inputs)
    assert usual is not None
    assert special is not None
    assert find_image(engine, inputs) == usual
    assert build_image(engine, NullReporter(), inputs, torch_index=f"{INDEX}") == special
    assert find_image(engine, inputs) == special
    assert find_built_from(engine, "https://other.example", inputs) is None
    assert build_image(engine, NullReporter(), inputs) == usual
    assert find_image(engine, inputs) == usual


def test_a_missing_pip_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Some tools make environments without it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(HostNotReadyError, match=f"{sys.executable} -m ensurepip"):
        download_torch(INDEX, INDEX, ImageInputs(ROOT), NullReporter())
