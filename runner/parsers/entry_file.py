"""Find a submission's first file, or what is there in its place under another name, case or depth."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from runner.parsers.zip_names import quoted_name
from runner.wording import first_of
from sandbox.protocol.clutter import is_clutter

ENTRY_FILE: Final = "submission.py"

_PACKED: Final = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_MAX_LISTED: Final = 3


def is_wrapped(names: Sequence[str]) -> bool:
    """Return whether all files but clutter are in one folder at the top, which has the entry file at its top.

    Args:
        names: Names in an archive; those of folders end in a slash.
    """
    files = without_clutter(names)
    tops = {name.split("/", 1)[0] for name in files}
    return ENTRY_FILE not in tops and len(tops) == 1 and f"{next(iter(tops))}/{ENTRY_FILE}" in files


def without_clutter(names: Iterable[str]) -> list[str]:
    """Return the names that are not clutter and not in a folder that is."""
    return [name for name in names if not is_clutter(name)]


def missing_entry_file(names: Iterable[str]) -> str:
    """Return what there is in place of the entry file, and what to do, as the rest of a sentence."""
    files = sorted(name for name in without_clutter(names) if not name.endswith("/"))
    missing = f"has no {ENTRY_FILE} at its top"
    deeper = [name for name in files if _last_part(name) == ENTRY_FILE]
    if len(deeper) == 1:
        folder = quoted_name(deeper[0].removesuffix("/" + ENTRY_FILE))
        return f"{missing}, but in the folder {folder}; hand in the content of that folder"
    if deeper:
        return f"{missing}, but {len(deeper)} deeper: {_listed(deeper)}; hand in one folder at a time"
    for suits, remedy in (
        (_is_other_case, f"rename it to {ENTRY_FILE}"),
        (_is_notebook, "export it with: jupyter nbconvert --to script --output submission NOTEBOOK"),
        (_is_packed, "unpack it, then hand in what is in it"),
        (_is_python, f"rename the file that defines unlearning to {ENTRY_FILE}"),
    ):
        similar = [name for name in files if suits(_last_part(name).casefold())]
        if similar:
            return f"{missing}, but {_listed(similar)}; {remedy}"
    return missing + (f", but {_listed(files)}" if files else "; it is empty")


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _is_other_case(name: str) -> bool:
    """Return whether a name is the entry file's in another case, or with an ending that Windows hides."""
    return unicodedata.normalize("NFKC", name) in (ENTRY_FILE, f"{ENTRY_FILE}.txt", f"{ENTRY_FILE}.py")


def _is_notebook(name: str) -> bool:
    return name.endswith(".ipynb")


def _is_packed(name: str) -> bool:
    return name.endswith(_PACKED)


def _is_python(name: str) -> bool:
    return name.endswith(".py")


def _listed(names: Sequence[str]) -> str:
    return first_of([quoted_name(name) for name in names], _MAX_LISTED)
