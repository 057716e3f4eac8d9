"""Interfaces of 2023 are put back when a library is imported, and other modules stay as they are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sandbox.worker.entry import year_2023

LIBRARY = "a_library_of_today"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file of a library that has a change; nothing of it is left in this process."""

    def change(module: ModuleType) -> None:
        vars(module)["changed"] = module.present + 1

    monkeypatch.setattr(year_2023, "_CHANGES", {LIBRARY: change})
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / f"{LIBRARY}.py"
    sys.modules.pop(LIBRARY, None)


def test_a_library_is_changed_once_it_is_imported(library: Path) -> None:
    """Not before; and again if it is loaded again."""
    library.write_text("present = 1\n")
    year_2023.install()
    assert LIBRARY not in sys.modules
    module = importlib.import_module(LIBRARY)
    assert module.changed == 2
    assert module.__file__ == str(library)
    assert importlib.reload(module).changed == 2


def test_a_library_that_is_imported_already_is_changed_at_once(library: Path) -> None:
    """As torch is, when the hook is installed late."""
    library.write_text("present = 1\n")
    module = importlib.import_module(LIBRARY)
    year_2023.install()
    assert module.changed == 2


def test_a_module_of_a_submission_with_that_name_is_left_alone(library: Path) -> None:
    """It lacks what the library has; importing it succeeds all the same."""
    library.write_text("other = 1\n")
    year_2023.install()
    assert not hasattr(importlib.import_module(LIBRARY), "changed")


def test_an_error_of_a_module_is_raised_as_ever(library: Path) -> None:
    """The hook hides none."""
    library.write_text("raise AttributeError('its own')\n")
    year_2023.install()
    with pytest.raises(AttributeError, match="its own"):
        importlib.import_module(LIBRARY)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_module_of_this_name")


def test_names_of_numpy() -> None:
    """The same values under the old names; names that exist stay."""
    numpy = ModuleType("numpy")
    vars(numpy).update({name: getattr(np, name) for name in dir(np) if not name.startswith("__")})
    before = dict(vars(numpy))
    year_2023._CHANGES["numpy"](numpy)
    old = vars(numpy)
    assert {name: old[name] for name in before} == before
    assert old["in1d"]([[1, 2], [3, 4]], [2, 4], invert=True).tolist() == [True, False, True, False]
    assert old["trapz"]([1.0, 1.0], dx=3) == 3.0
    assert (old["float"], old["int"], old["object"]) == (float, int, object)
    assert (old["Inf"], old["NINF"], old["float_"]) == (np.inf, -np.inf, np.float64)
    assert old["msort"]([3, 1]).tolist() == [1, 3]
