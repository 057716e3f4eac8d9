"""The wheel works without a checkout, and pyproject.toml names the same dependencies as the lock files' sources."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from runner.gallery.attacks import load_attacks
from runner.image.inputs import DEFAULT_INPUTS
from tests.support.paths import ROOT

PACKAGES = ("runner", "sandbox", "scoring")


def project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def names(requirements: list[str]) -> set[str]:
    """Return the names of distributions, without versions."""
    return {re.split(r"[^\w.-]", line)[0].lower() for line in requirements}


def listed(file: str) -> set[str]:
    """Return the distributions that a source of a lock file names, without those that it includes."""
    lines = (ROOT / "requirements" / file).read_text().splitlines()
    return names([line for line in lines if line and not line.startswith(("#", "-r"))])


PACKAGED = "runner/packaged/"
"""Where an installed package has its copies of what the image and the gallery are built from."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the files of this checkout, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    names = (*PACKAGES, "requirements", "sample_submissions")
    for name in names:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "setup.py", "MANIFEST.in", "Dockerfile", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*command, "--quiet", "--wheel-dir", str(folder)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def files_of(folder: str, pattern: str) -> list[str]:
    """Return the files below a folder of the checkout."""
    paths = (path for path in (ROOT / folder).rglob(pattern) if path.is_file())
    return [str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts]


def test_the_wheel_holds_every_package_and_what_the_image_is_built_from(wheel: Path) -> None:
    """Each Python file, the templates of `new` and of pages, Dockerfile and lock files, every attack; and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
        dockerfile = archive.read(f"{PACKAGED}Dockerfile")
    modules = {file for name in PACKAGES for file in files_of(name, "*.py")}
    templates = {
        *files_of("runner/submission/template", "*.txt"),
        *files_of("runner/competition/template", "*.txt"),
        *files_of("runner/pages/templates", "*"),
        *files_of("runner/web/templates", "*"),
    }
    packaged = {
        "Dockerfile",
        *files_of("requirements", "image*.txt"),
        *files_of("sample_submissions/hostile", "*"),
        *files_of("sandbox", "*.py"),
    }
    assert files == modules | templates | {PACKAGED + file for file in packaged}
    assert dockerfile == (ROOT / "Dockerfile").read_bytes()


SCRIPT = """
import json, sys
import runner.checkout
from runner.gallery.attacks import HOSTILE, load_attacks
from runner.image.inputs import DEFAULT_INPUTS
from runner.submission.new import write_template
from pathlib import Path
write_template(Path("mine"))
print(json.dumps({
    "root": str(runner.checkout.ROOT),
    "digest": DEFAULT_INPUTS.image_digest("base"),
    "version": DEFAULT_INPUTS.version_digest(),
    "attacks": sorted(attack.name for attack in load_attacks(HOSTILE)),
    "mine": sorted(str(path) for path in Path("mine").rglob("*") if path.is_file()),
    "hosts_torch": "torch" in sys.modules,
}))
"""


def test_an_installed_copy_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    """From an empty folder, without the checkout: the same image, attacks and template as from the checkout."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["root"] == str(site / "runner" / "packaged")
    assert answer["digest"] == DEFAULT_INPUTS.image_digest("base")
    assert answer["version"] == DEFAULT_INPUTS.version_digest()
    assert answer["attacks"] == sorted(attack.name for attack in load_attacks())
    assert "mine/submission.py" in answer["mine"]
    assert not answer["hosts_torch"]


def test_the_package_is_a_program(wheel: Path, tmp_path: Path) -> None:
    """`python -m runner` is the command `unlearn`."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert b"unlearn = runner.cli.main:main" in archive.read(entry_points)
    ran = subprocess.run(
        [sys.executable, "-m", "runner", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Usage: unlearn" in ran.stdout


def test_the_citation_is_of_this_version() -> None:
    """The file has what the format requires, and the version and licence of the project."""
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == project()["version"]
    assert citation["license"] == project()["license"]


@pytest.mark.parametrize("extra", ["", "dev", "gpu", "web", "postgres"])
def test_dependencies_are_those_of_the_lock_files(extra: str) -> None:
    """The same names; versions are locked there, and only bounded below here. setuptools builds the project."""
    asked = project()["optional-dependencies"][extra] if extra else project()["dependencies"]
    assert names(asked) - {"unlearn"} == listed(f"{extra or 'host'}.in") - {"setuptools"}
