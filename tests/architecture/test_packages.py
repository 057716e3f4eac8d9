"""Packages import one way, and each outside library has one home."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.packages import (
    ALLOWED,
    FLOORS,
    GROUND,
    LIBRARY_HOMES,
    PARSERS_MAY_IMPORT,
    TOPS,
    floor_of,
    imported_modules,
    module_name,
    package_imports,
    package_of,
    python_files,
)
from tests.support.paths import ROOT

GRAPH = package_imports()
MOST_LINES = {"tests": 400}
MOST_FILES = 20
BY_NATURE = ("sample_submissions", "tests/data", "tests/fuzz/corpus", "golden")
"""Folders of samples, data and records, whose number of files is not for a reader to keep in mind."""

WITHOUT_TORCH = (
    "protocol.frames",
    "protocol.messages",
    "protocol.jobs",
    "stdio",
    *(
        f"worker.{name}"
        for name in ("fds", "logs", "janitor", "run_pipes", "scratch", "zygote", "supervisor", "main")
    ),
)


def top_names(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("package", sorted(GRAPH))
def test_a_package_imports_what_the_table_allows(package: str) -> None:
    """And a new arrow is a line in the diff of the table."""
    ground = PARSERS_MAY_IMPORT if package == "runner.parsers" else GROUND
    assert GRAPH[package] <= ALLOWED.get(package, frozenset()) | ground


@pytest.mark.parametrize("package", sorted(GRAPH))
def test_imports_run_down(package: str) -> None:
    """So there is no cycle between packages."""
    below = {target for target in GRAPH[package] if target.split(".")[0] == package.split(".", maxsplit=1)[0]}
    assert all(floor_of(target) < floor_of(package) for target in below)


def test_the_table_has_no_arrow_that_nothing_uses() -> None:
    """A permission that is no longer needed goes."""
    assert {package: sorted(allowed - GRAPH[package]) for package, allowed in ALLOWED.items()} == {
        package: [] for package in ALLOWED
    }


def test_every_package_stands_on_a_floor() -> None:
    """Neither more nor fewer than there are."""
    named = {f"{top}.{name}" for top in TOPS for names in FLOORS[top] for name in names.split()}
    assert named == set(GRAPH)


@pytest.mark.parametrize("file", [file for top in TOPS for file in python_files(top)], ids=module_name)
def test_a_library_is_imported_in_its_home(file: Path) -> None:
    """Docker, SQLAlchemy, typer, pooch, jinja2 and matplotlib are each known to one package."""
    libraries = top_names(imported_modules(file)) & LIBRARY_HOMES.keys()
    assert {LIBRARY_HOMES[name] for name in libraries} <= {package_of(module_name(file))}


@pytest.mark.parametrize("top", TOPS)
def test_every_package_says_what_it_is_for(top: str) -> None:
    """In a few sentences at the head of its ``__init__.py``."""
    for folder in sorted({file.parent for file in python_files(top)}):
        assert (folder / "__init__.py").read_text().startswith('"""'), folder


def counted_files() -> list[Path]:
    """Return the Python files whose size a reader has to bear."""
    files = [file for top in (*TOPS, "tests", "benchmarks") for file in python_files(top)]
    return [
        file
        for file in files
        if not any(
            str(file.relative_to(ROOT)).startswith(name) or name in file.relative_to(ROOT).parts
            for name in BY_NATURE
        )
    ]


@pytest.mark.parametrize("top", [*TOPS, "tests", "benchmarks"])
def test_files_stay_small(top: str) -> None:
    """300 lines a file, 400 a test file."""
    most = MOST_LINES.get(top, 300)
    sizes = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in counted_files()}
    assert {name: lines for name, lines in sizes.items() if name.startswith(f"{top}/") and lines > most} == {}


def test_folders_stay_small() -> None:
    """20 modules a folder."""
    counts = Counter(str(file.parent.relative_to(ROOT)) for file in counted_files())
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("file", python_files("runner"), ids=module_name)
def test_the_host_imports_the_protocol_alone_from_the_sandbox(file: Path) -> None:
    """And has neither torch nor pickle."""
    modules = imported_modules(file)
    assert {package_of(name) for name in modules if name.startswith("sandbox")} <= {"sandbox.protocol"}
    assert not top_names(modules) & {
        *("torch", "torchvision", "pickle", "marshal", "shelve", "sample_submissions")
    }
    assert "torch.load" not in file.read_text()


def test_the_module_that_downloads_unpacks_nothing() -> None:
    """An archive goes to the trainer as it came."""
    modules = imported_modules(ROOT / "runner" / "builder" / "download.py")
    assert not top_names(modules) & {"tarfile", "zipfile", "gzip", "shutil"}


@pytest.mark.parametrize("file", python_files("runner/parsers"), ids=module_name)
def test_parsers_know_no_files_processes_or_network(file: Path) -> None:
    """Bytes in, values out."""
    assert not top_names(imported_modules(file)) & {
        *("os", "pathlib", "shutil", "tempfile", "subprocess", "socket", "docker", "psutil", "threading")
    }


@pytest.mark.parametrize("file", python_files("scoring"), ids=module_name)
def test_scoring_knows_arrays_alone(file: Path) -> None:
    """No runner, no sandbox, no engine, and no files but for the one loader."""
    files_too = set() if module_name(file) == "scoring.outputs" else {"pathlib", "os", "io"}
    assert not top_names(imported_modules(file)) & {"runner", "sandbox", "torch", "docker", *files_too}


@pytest.mark.parametrize("file", python_files("sandbox"), ids=module_name)
def test_the_sandbox_knows_neither_host_nor_score(file: Path) -> None:
    """It is copied into the image alone."""
    assert not top_names(imported_modules(file)) & {"runner", "scoring", "docker"}


@pytest.mark.parametrize("file", python_files("sandbox/recipes"), ids=module_name)
def test_recipes_know_arrays_and_not_torch(file: Path) -> None:
    """So they are tested on the host; one file makes tensors of what they return, one is only a type."""
    if file.name not in {"assemble.py", "dataset.py"}:
        assert not top_names(imported_modules(file)) & {
            *("torch", "torchvision", "docker", "subprocess", "socket")
        }
        assert "sandbox.recipes.assemble" not in imported_modules(file)


def test_one_recipe_reads_pickles() -> None:
    """That of CIFAR-10 and CIFAR-100, in the trainer alone, by a restricted unpickler; nothing else does."""
    readers = [
        file.name
        for file in python_files("sandbox")
        if top_names(imported_modules(file)) & {"pickle", "marshal", "shelve"}
    ]
    assert readers == ["plain_pickle.py"]
    users = [
        file.name
        for top in TOPS
        for file in python_files(top)
        if "sandbox.recipes.plain_pickle" in imported_modules(file)
    ]
    assert users == ["cifar.py"]


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_the_supervisor_imports_no_torch(name: str) -> None:
    """Neither itself nor through another of our modules, until a function is called."""
    seen: set[str] = set()
    waiting = {f"sandbox.{name}"}
    while waiting:
        module = waiting.pop()
        seen.add(module)
        path = ROOT / module.replace(".", "/")
        modules = imported_modules(
            path / "__init__.py" if path.is_dir() else path.with_suffix(".py"), everywhere=False
        )
        assert not top_names(modules) & {"torch", "torchvision", "numpy", "safetensors"}, module
        waiting |= {target for target in modules if target.startswith("sandbox.")} - seen
        waiting |= {module.rpartition(".")[0]} - seen - {"sandbox", ""}


@pytest.mark.parametrize("file", python_files("sandbox/protocol"), ids=module_name)
def test_the_protocol_needs_only_the_standard_library(file: Path) -> None:
    """So the host and the image can hold different versions of everything else."""
    assert top_names(imported_modules(file)) <= {
        *(
            "__future__",
            "collections",
            "dataclasses",
            "difflib",
            "hashlib",
            "json",
            "math",
            "struct",
            "typing",
        ),
        "sandbox",
    }
