"""Names are nouns of the field and docstrings are statements, in every package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.packages import TOPS, module_name, python_files
from tests.support.paths import ROOT

BANNED_NAMES: Final = frozenset(
    {"said", "told", "found", "kept", "wanted", "made", "one", "ours", "theirs"},
)
"""Past participles and pronouns: as names they do not say what a value is."""

SAMPLE_ENTRIES: Final = ROOT / "tests" / "data" / "entries"
"""Submissions written as participants write them; our rules do not apply."""

SOURCE_FILES: Final = [file for top in TOPS for file in python_files(top)]
DOCUMENTED_FILES: Final = [
    file
    for top in (*TOPS, "benchmarks", "tests")
    for file in python_files(top)
    if not file.is_relative_to(SAMPLE_ENTRIES)
]


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every variable and parameter that a module binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def docstrings(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the name of every module, class and function that has a docstring, and the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "name", "module"), text


def is_question(docstring: str) -> bool:
    """Return whether the first paragraph of a docstring ends with a question mark."""
    return docstring.split("\n\n", maxsplit=1)[0].rstrip().endswith("?")


@pytest.mark.parametrize("file", SOURCE_FILES, ids=module_name)
def test_no_banned_name_is_a_variable_or_parameter(file: Path) -> None:
    """A variable is named by what it holds."""
    banned = [(line, name) for line, name in bound_names(ast.parse(file.read_text())) if name in BANNED_NAMES]
    assert banned == []


@pytest.mark.parametrize("file", DOCUMENTED_FILES, ids=module_name)
def test_no_docstring_starts_with_a_question(file: Path) -> None:
    """A docstring states what something is or does; a test's docstring is a claim."""
    assert [name for name, text in docstrings(ast.parse(file.read_text())) if is_question(text)] == []


def test_both_checks_detect_violations() -> None:
    """A banned loop variable, a banned parameter and a question are recognized."""
    tree = ast.parse(
        'def f(told):\n    """Is it\n    so?\n\n    Yes.\n    """\n    return [one for one in told]\n'
    )
    assert {name for _line, name in bound_names(tree)} == {"told", "one"}
    assert [(name, is_question(text)) for name, text in docstrings(tree)] == [("f", True)]
