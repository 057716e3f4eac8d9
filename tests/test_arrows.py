"""Who may import whom: the rooms of trust, as their imports show them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOST_MAY_TAKE = {"sandbox.protocol", "sandbox.messages", "sandbox.jobs", "sandbox.preset", "sandbox.wanted"}
WITHOUT_TORCH = (
    "protocol",
    "messages",
    "jobs",
    "stdio",
    "fds",
    "capture",
    "janitor",
    "scratch",
    "zygote",
    "supervisor",
    "worker",
)


def imports(file: Path, *, everywhere: bool = True) -> set[str]:
    """Return the modules that a file imports: anywhere in it, or at its top level only."""
    tree = ast.parse(file.read_text())
    found: set[str] = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found.add(str(node.module))
    return found


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def tops(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("file", files("runner"), ids=lambda file: file.name)
def test_the_host_takes_a_few_plain_modules_from_the_sandbox(file: Path) -> None:
    """And has neither torch nor pickle."""
    found = imports(file)
    assert {name for name in found if name.startswith("sandbox")} <= HOST_MAY_TAKE
    assert not tops(found) & {"torch", "torchvision", "pickle", "marshal", "shelve", "sample_submissions"}
    assert "torch.load" not in file.read_text()


def test_only_the_engine_talks_to_docker() -> None:
    """One place imports the client."""
    assert [file.name for file in files("runner") if "docker" in tops(imports(file))] == ["engine.py"]


def test_one_module_of_the_host_downloads() -> None:
    """And none unpacks what it got."""
    assert [file.name for file in files("runner") if "pooch" in tops(imports(file))] == ["download.py"]
    assert not tops(imports(ROOT / "runner" / "download.py")) & {"tarfile", "zipfile", "gzip", "shutil"}


@pytest.mark.parametrize("file", files("scoring"), ids=lambda file: file.name)
def test_scoring_knows_arrays_and_nothing_else(file: Path) -> None:
    """No runner, no sandbox, no engine, and no files but for the one loader."""
    files_too = set() if file.name == "outputs.py" else {"pathlib", "os", "io"}
    assert not tops(imports(file)) & {"runner", "sandbox", "torch", "docker", *files_too}


@pytest.mark.parametrize("file", files("sandbox"), ids=lambda file: file.name)
def test_the_sandbox_knows_neither_host_nor_score(file: Path) -> None:
    """It is copied into the image alone."""
    assert not tops(imports(file)) & {"runner", "scoring", "docker"}


@pytest.mark.parametrize("file", files("sandbox/recipes"), ids=lambda file: file.name)
def test_recipes_know_arrays_and_not_torch(file: Path) -> None:
    """So they are tested on the host; one file makes tensors of what they return, one is only a type."""
    if file.name not in {"assembling.py", "recipe.py"}:
        assert not tops(imports(file)) & {"torch", "torchvision", "docker", "subprocess", "socket"}
        assert "sandbox.recipes.assembling" not in imports(file)


def test_one_recipe_reads_pickles() -> None:
    """CIFAR-10's, in the trainer alone, with an unpickler of its own; nothing else does."""
    found = [file.name for file in files("sandbox") if tops(imports(file)) & {"pickle", "marshal", "shelve"}]
    assert found == ["cifar10.py"]


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_what_stands_beside_the_zygote_imports_no_torch(name: str) -> None:
    """Neither itself nor through another of our modules, until a function is called."""
    seen: set[str] = set()
    waiting = {f"sandbox.{name}"}
    while waiting:
        module = waiting.pop()
        seen.add(module)
        found = imports(ROOT / (module.replace(".", "/") + ".py"), everywhere=False)
        assert not tops(found) & {"torch", "torchvision", "numpy", "safetensors"}, module
        waiting |= {one for one in found if one.startswith("sandbox.")} - seen


def test_these_modules_need_only_the_standard_library() -> None:
    """So the host and the image can hold different versions of everything else."""
    for name in HOST_MAY_TAKE:
        assert tops(imports(ROOT / (name.replace(".", "/") + ".py"))) <= {
            *("__future__", "collections", "dataclasses", "hashlib", "json", "math", "struct", "typing"),
            "sandbox",
        }
