"""Interfaces of 2023 that today's libraries no longer have, put back for the entries of that year.

Each library is changed as soon as it is imported, by a hook, so that one which no run uses costs nothing. The
zygote installs the hook, so it exists in runs and nowhere else: not in processes that a run starts anew.
Only what keeps its meaning is put back; what would mean something else still fails, and says so.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

_FONTS: Final = Path("/opt/extras/matplotlib-cache")
"""What matplotlib knows of fonts, written when the image was built."""
_NUMPY_NAMES: Final = {
    "bool8": "bool_",
    "cfloat": "complex128",
    "complex_": "complex128",
    "float_": "float64",
    "int0": "intp",
    "longfloat": "longdouble",
    "object0": "object_",
    "singlecomplex": "complex64",
    "string_": "bytes_",
    "uint0": "uintp",
    "unicode_": "str_",
    "alltrue": "all",
    "cumproduct": "cumprod",
    "mat": "asmatrix",
    "product": "prod",
    "round_": "round",
    "sometrue": "any",
    "trapz": "trapezoid",
    **dict.fromkeys(("Inf", "Infinity", "PINF", "infty"), "inf"),
    **dict.fromkeys(("NAN", "NaN"), "nan"),
}
"""Names that NumPy 2 removed, and those under which it still has the same."""
_PYTHON_TYPES: Final = ("float", "int", "bool", "object", "str", "complex")


def install() -> None:
    """Change what is imported already, and what will be; call this once, before runs are forked."""
    for name, change in _CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the modules to change where the import system would, and changes them when they are loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module's specification; None for all modules that stay as they are."""
        change = _CHANGES.get(fullname)
        spec = PathFinder.find_spec(fullname, path, target) if change is not None else None
        if change is None or spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            with contextlib.suppress(AttributeError):  # a submission's own module may have the same name
                change(module)

        vars(spec.loader)["exec_module"] = load_and_change
        return spec


def _numpy(numpy: ModuleType) -> None:
    names = {old: getattr(numpy, new) for old, new in _NUMPY_NAMES.items()}
    names |= {name: getattr(builtins, name) for name in _PYTHON_TYPES}
    names |= {
        "NINF": -numpy.inf,
        "in1d": lambda values, *args, **options: numpy.isin(numpy.ravel(values), *args, **options),
        "msort": lambda values: numpy.sort(values, axis=0),
        "asfarray": lambda values, dtype=numpy.float64: numpy.asarray(values, dtype),
    }
    for name, value in names.items():
        vars(numpy).setdefault(name, value)


def _schedulers(module: ModuleType) -> None:
    """Let schedules take ``verbose``, by name or after all others, and print nothing."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and issubclass(value, module.LRScheduler) and "__init__" in vars(value):
            value.__init__ = _without_verbose(value.__init__)  # type: ignore[misc]


def _without_verbose(construct: Callable[..., None]) -> Callable[..., None]:
    most = len(inspect.signature(construct).parameters)

    @functools.wraps(construct)
    def construct_silently(*args: object, verbose: object = False, **options: object) -> None:
        del verbose
        construct(*(args[:most] if len(args) == most + 1 else args), **options)

    return construct_silently


def _logistic_regression(module: ModuleType) -> None:
    """Let ``multi_class`` be what is done anyway; one against the rest is an error as before."""
    for kind in (module.LogisticRegression, module.LogisticRegressionCV):
        kind.__init__ = _without_multi_class(kind.__init__)


def _without_multi_class(construct: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(construct)
    def construct_without(*args: object, **options: object) -> None:
        if options.get("multi_class") in ("auto", "multinomial"):
            del options["multi_class"]
        construct(*args, **options)

    return construct_without


def _pandas(pandas: ModuleType) -> None:
    def append_rows(
        self: object,
        other: object,
        ignore_index: bool = False,
        verify_integrity: bool = False,
        sort: bool = False,
    ) -> object:
        """Return a table with the rows of another one, or of a row, below its own."""
        rows = other if isinstance(other, list | tuple) else [other]
        frames = [
            row if isinstance(row, pandas.DataFrame) else pandas.Series(row).to_frame().T.infer_objects()
            for row in rows
        ]
        return pandas.concat(
            [self, *frames], ignore_index=ignore_index, verify_integrity=verify_integrity, sort=sort
        )

    def append_values(self: object, other: object, ignore_index: bool = False, **options: object) -> object:
        """Return a series with the values of others after its own."""
        others = other if isinstance(other, list | tuple) else [other]
        return pandas.concat([self, *others], ignore_index=ignore_index, **options)

    pandas.DataFrame.append, pandas.Series.append = append_rows, append_values
    for kind in (pandas.DataFrame, pandas.Series):
        kind.iteritems = kind.items


def _notebook_bars(notebook: ModuleType) -> None:
    """Draw plain bars: notebooks import these, which need a browser."""
    bars = importlib.import_module("tqdm")
    vars(notebook).update(tqdm=bars.tqdm, tqdm_notebook=bars.tqdm, trange=bars.trange, tnrange=bars.trange)


def _matplotlib(_module: ModuleType) -> None:
    """Put the list of fonts where matplotlib looks for it, in a folder of this process's own."""
    folder = Path(os.environ.get("MPLCONFIGDIR", ""))
    if folder.is_absolute() and _FONTS.is_dir():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            for file in _FONTS.iterdir():
                (folder / file.name).symlink_to(file)


def _colour_maps(module: ModuleType) -> None:
    def get_cmap(name: str | None = None, lut: int | None = None) -> object:
        """Return a colour map by its name, with ``lut`` colours."""
        matplotlib = importlib.import_module("matplotlib")
        colours = matplotlib.colormaps.get_cmap(name)
        return colours if lut is None else colours.resampled(lut)

    vars(module).setdefault("get_cmap", get_cmap)


def _styles(module: ModuleType) -> None:
    """Find seaborn's styles under the names that they had."""
    styles = vars(module)["library"]
    for name in list(styles):
        if name.startswith("seaborn-v0_8"):
            styles.setdefault(name.replace("-v0_8", ""), styles[name])


_CHANGES: Final[Mapping[str, Callable[[ModuleType], None]]] = {
    "numpy": _numpy,
    "torch.optim.lr_scheduler": _schedulers,
    "sklearn.linear_model": _logistic_regression,
    "pandas": _pandas,
    "tqdm.notebook": _notebook_bars,
    "matplotlib": _matplotlib,
    "matplotlib.cm": _colour_maps,
    "matplotlib.style": _styles,
}
