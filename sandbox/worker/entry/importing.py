"""Unpacks and imports a submission, in the run's own process, after that has dropped its privileges.

The submission meets no name of this project. ``__main__`` shows its own module, so that what it pickled as a
script can be loaded; a package ``sandbox`` of its own is found in place of this one.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import sys
import zipfile
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final

FOLDER: Final = ".submission"
"""Where it is unpacked, below the run's scratch folder. `runner.parsers.run_error` knows this name."""
_FUNCTION: Final = "unlearning"
_OWN_PACKAGE: Final = __name__.partition(".")[0]
_OWN_PATH: Final = Path(__file__).resolve().parents[__name__.count(".")]
_ALIAS: Final = f"unlearn_{_OWN_PACKAGE}"
"""The name of this package where a submission has one of its name."""
_ALIAS_PATH: Final = _OWN_PATH / "alias"
"""A folder in which the Dockerfile makes a link of that name, for processes that are started anew."""
_NEAR: Final = 0.5


class _NoFunctionError(Exception):
    """The submission defines no callable ``unlearning``."""


def import_submission(archive: bytes) -> Callable[..., object]:
    """Unpack the submission into the current folder, import it, and return its function.

    Raises:
        _NoFunctionError: it has none that can be called.
    """
    sys.dont_write_bytecode = True
    folder = Path.cwd() / FOLDER
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(folder)
    file = folder / "submission.py"
    if not file.is_file():
        raise _NoFunctionError("there is no submission.py")
    if (folder / _OWN_PACKAGE).is_dir() or (folder / f"{_OWN_PACKAGE}.py").is_file():
        _rename_own_package()
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("submission", file)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["submission"] = module
    sys.modules["__main__"] = _main_showing(module)
    spec.loader.exec_module(module)
    return find_function(module)


def find_function(module: ModuleType) -> Callable[..., object]:
    """Return the function of a submission's module.

    Raises:
        _NoFunctionError: it has none that can be called.
    """
    function = getattr(module, _FUNCTION, None)
    if not callable(function):
        raise _NoFunctionError(f"submission.py defines no function called {_FUNCTION}{_hint(module)}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise _NoFunctionError(
            "unlearning is declared with async def, so calling it would not run it; use def"
        )
    if inspect.isgeneratorfunction(function):
        raise _NoFunctionError(
            "unlearning contains yield, so calling it would not run it; return the network"
        )
    unlearning: Callable[..., object] = function
    return unlearning


def _hint(module: ModuleType) -> str:
    """Return which function of the submission may be meant; empty if none has a similar name."""
    names = {
        name.lower(): name
        for name, value in vars(module).items()
        if isinstance(value, FunctionType | type) and value.__module__ == module.__name__ and len(name) < 60
    }
    near = get_close_matches(_FUNCTION, names, n=1, cutoff=_NEAR)
    return f"; it defines {names[near[0]]}: did you mean {_FUNCTION}?" if near else ""


def _main_showing(module: ModuleType) -> ModuleType:
    """Return a ``__main__`` in which the names of another module are found.

    Names like ``__file__`` are not: processes that are started anew would execute that file.
    """
    main = ModuleType("__main__")

    def find(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(module, name)

    vars(main)["__getattr__"] = find
    return main


def _rename_own_package() -> None:
    """Leave the name of this package to the submission.

    The classes of its network and of its datasets must still be found by name when they are pickled.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == _OWN_PACKAGE]:
        module = sys.modules.pop(name)
        renamed = f"{_ALIAS}{name.removeprefix(_OWN_PACKAGE)}"
        sys.modules[renamed] = module
        for value in vars(module).values():
            if isinstance(value, FunctionType | type) and value.__module__ == name:
                value.__module__ = renamed
    # A folder without an `__init__.py` is found only if no other place has a package of its name.
    sys.path[:] = [str(_ALIAS_PATH) if Path(entry) == _OWN_PATH else entry for entry in sys.path]
