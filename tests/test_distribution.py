"""The wheel holds every package, and pyproject.toml names the same dependencies as the lock files' sources."""

from __future__ import annotations

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


def modules(paths: list[str]) -> set[str]:
    return {path for path in paths if path.endswith(".py")}


def test_the_wheel_holds_every_package(tmp_path: Path) -> None:
    """Each Python file of the tree is in it, and nothing but its packages and metadata."""
    tree = tmp_path / "tree"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*command, "--quiet", "--wheel-dir", str(tmp_path)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    in_tree = [str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    assert modules(files) == modules(in_tree)
    assert {file.split("/")[0] for file in files if ".dist-info/" not in file} == set(PACKAGES)


def test_the_citation_is_of_this_version() -> None:
    """The file has what the format requires, and the version and licence of the project."""
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == project()["version"]
    assert citation["license"] == project()["license"]


@pytest.mark.parametrize("extra", ["", "dev", "plots"])
def test_dependencies_are_those_of_the_lock_files(extra: str) -> None:
    """The same names; versions are locked there, and only bounded below here. setuptools builds the project."""
    asked = project()["optional-dependencies"][extra] if extra else project()["dependencies"]
    assert names(asked) == listed(f"{extra or 'host'}.in") - {"setuptools"}
