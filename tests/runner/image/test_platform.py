"""Wheels are chosen for the engine's platform, whatever system and Python this host has."""

from __future__ import annotations

import importlib.machinery
import re
import sys
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from runner.errors import HostNotReadyError
from runner.image.inputs import ImageInputs
from runner.image.platform import AMD64, ARM64, PLATFORMS, Platform, download_command, platform_of
from tests.support.paths import ROOT
from tests.tools.platform_lock import lock_text, supported_tags

ENTRY = re.compile(r"^([\w.-]+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}  # (\S+\.whl)\n", re.MULTILINE)
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
LOCK_FILES = [file for each in PLATFORMS for file in (each.lock_file, each.extras_lock_file)]


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [("x86_64", AMD64), ("amd64", AMD64), ("aarch64", ARM64), ("arm64", ARM64), ("AMD64", AMD64)],
)
def test_an_engines_platform(architecture: str, platform: Platform) -> None:
    """As Docker and Podman report it, of themselves and of images."""
    assert platform_of(architecture) is platform


@pytest.mark.parametrize("architecture", ["armv7l", "riscv64", "?", ""])
def test_a_platform_without_wheels_is_a_sentence(architecture: str) -> None:
    """With those that exist."""
    with pytest.raises(HostNotReadyError, match="linux/amd64 and linux/arm64"):
        platform_of(architecture)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.name)
def test_a_mac_downloads_linux_wheels(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is the same on every host: pip's own tags and the interpreter's version play no part."""
    here = download_command("python", Path("lock.txt"), Path("wheels"), platform)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr(importlib.machinery, "EXTENSION_SUFFIXES", [".cpython-314-darwin.so"])
    assert download_command("python", Path("lock.txt"), Path("wheels"), platform) == here
    asked = [word.partition("=")[2] for word in here if word.startswith("--platform=")]
    assert all(tag.startswith("manylinux") and tag.endswith(f"_{platform.machine}") for tag in asked)
    assert {"--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none"} <= set(
        here
    )
    assert {"--only-binary=:all:", "--no-deps", "--require-hashes"} <= set(here)


@pytest.mark.parametrize(
    ("wheel", "amd64", "arm64"),
    [
        ("torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl", True, False),
        ("torch-2.14.1-cp311-cp311-manylinux_2_28_aarch64.whl", False, True),
        ("torch-2.14.1-cp311-none-macosx_14_0_arm64.whl", False, False),
        ("torch-2.14.1-cp311-cp311-win_amd64.whl", False, False),
        ("torch-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl", False, False),
        ("numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl", False, False),
        ("numpy-2.4.6-cp311-cp311-manylinux2014_x86_64.whl", True, False),
        ("old-1-cp311-cp311-manylinux1_x86_64.whl", True, False),
        ("new-1-cp311-cp311-manylinux_2_39_x86_64.whl", False, False),
        ("safetensors-0.8.0-cp310-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", False, True),
        ("tqdm-4.70.1-py3-none-any.whl", True, True),
    ],
)
def test_which_wheels_fit(wheel: str, amd64: bool, arm64: bool) -> None:
    """Of all that PyPI has of a package, by the names of the files: glibc of Debian 12, CPython 3.11."""
    tags = parse_wheel_filename(wheel)[3]
    assert [not tags.isdisjoint(supported_tags(each)) for each in (AMD64, ARM64)] == [amd64, arm64]


@pytest.mark.parametrize("file", [ARM64.lock_file, ARM64.extras_lock_file], ids=str)
def test_the_lock_file_of_arm64_names_no_other_platforms_file(file: Path) -> None:
    """One wheel for each package, which fits; the versions are those of amd64, and no package is missing."""
    text = (ROOT / file).read_text()
    entries = ENTRY.findall(text)
    assert ENTRY.sub("", text) == ""
    supported = set(supported_tags(ARM64))
    for name, version, wheel in entries:
        distribution, its_version, _build, tags = parse_wheel_filename(wheel)
        assert (distribution, str(its_version)) == (name, version)
        assert not tags.isdisjoint(supported), wheel
    other = (ROOT / file.with_name(file.name.replace("-arm64", ""))).read_text()
    assert [(name, version) for name, version, _wheel in entries] == PIN.findall(other)


@pytest.mark.parametrize("file", LOCK_FILES, ids=str)
def test_no_lock_file_has_a_marker(file: Path) -> None:
    """pip evaluates markers for the host's Python, whatever platform is asked for."""
    lines = (line.partition("#")[0] for line in (ROOT / file).read_text().splitlines())
    assert [line for line in lines if ";" in line] == []


def test_the_platforms_are_different_images() -> None:
    """On the same base even; the platform of the base decides."""
    digests = {ImageInputs(ROOT, platform).image_digest("base") for platform in PLATFORMS}
    assert len(digests) == len(PLATFORMS)
    assert len({ImageInputs(ROOT, platform).version_digest() for platform in PLATFORMS}) == 1


def test_the_lock_file_is_written_from_what_uv_resolved() -> None:
    """The best of the wheels that fit; a package without one, or without a hash, is an error."""

    def wheel(name: str, digit: str) -> dict[str, object]:
        return {"url": f"https://host/a/b/{name.replace('+', '%2B')}", "hashes": {"sha256": digit * 64}}

    best = "torch-2.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl"
    others = ("torch-2.0+cpu-py3-none-any.whl", "torch-2.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl")
    wheels = [wheel(others[0], "0"), wheel(best, "1"), wheel(others[1], "2")]
    package = {"name": "torch", "version": "2.0+cpu", "wheels": wheels, "marker": "sys_platform == 'linux'"}
    pylock = {"packages": [package, {"name": "wheel", "version": "1", "wheels": []}]}
    assert lock_text(pylock, ARM64, ["torch"]) == (
        f"torch==2.0+cpu \\\n    --hash=sha256:{'1' * 64}  # {best}\n"
    )
    with pytest.raises(ValueError, match="wheel has no wheel for linux/arm64"):
        lock_text(pylock, ARM64)
    for wheels in ([wheel(others[1], "0")], [{**wheel(best, "0"), "hashes": {}}]):
        with pytest.raises(ValueError, match="torch has no wheel"):
            lock_text({"packages": [{**package, "wheels": wheels}]}, ARM64)
