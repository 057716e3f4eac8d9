"""The package's public names: complete, lazily imported, and the same for the type checker."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import scoring


@pytest.mark.parametrize("name", scoring.__all__)
def test_public_name_can_be_imported(name):
    """Every name of `__all__` is an attribute of the package, defined in the module that the table names."""
    value = getattr(scoring, name)
    assert value is not None
    assert getattr(value, "__module__", None) in {f"scoring.{scoring._MODULE_OF[name]}", None}


def test_from_import_and_star_import_work():
    """`from scoring import X` works in a fresh interpreter for all names at once."""
    code = f"from scoring import *; from scoring import {', '.join(scoring.__all__)}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_type_checker_sees_the_same_names():
    """The imports under TYPE_CHECKING are the table's: each name from its module, once."""
    tree = ast.parse(Path(scoring.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [
        (str(node.module).removeprefix("scoring."), alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imports) == sorted((module, name) for name, module in scoring._MODULE_OF.items())
    assert len(set(scoring.__all__)) == len(scoring.__all__) == 35


def test_unknown_name_is_an_attribute_error():
    """A misspelt name is an error, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'scorecard'"):
        _ = scoring.scorecard


def test_import_of_the_package_is_cheap():
    """Neither SciPy nor scikit-learn is imported with the package."""
    code = "import scoring, sys; print(sorted({'scipy', 'sklearn'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
