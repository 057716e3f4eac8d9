"""What the pages name exists: decisions in their index, files of the tree, names in files, targets of links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

INDEX = ROOT / "docs" / "decisions.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
GENERATED = sorted((ROOT / "docs" / "reference").glob("*.md"))
PAGES = [CONTRIBUTING, ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Pages on the present; decisions may name what is no longer there."""
TOPS = "runner|sandbox|scoring|tests|benchmarks|docs|requirements|sample_submissions|website"


def anchor(heading: str) -> str:
    """Return the fragment under which a page on GitHub has a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def indexed(decisions: Path) -> list[tuple[str, str, str]]:
    """Return date, title and fragment of each line of the index that leads to a page."""
    pattern = rf"^\* (\d{{4}}-\d\d-\d\d) \[(.+)\]\(decisions/{decisions.name}#(\S+)\): \S"
    return re.findall(pattern, INDEX.read_text(), re.MULTILINE)


def paths_in(text: str) -> set[str]:
    """Return the paths of files and folders of the tree that a text has in backticks."""
    words = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
    return {word.rstrip(".,:;") for word in words if re.match(rf"(?:{TOPS})/", word)}


def names_in_files(text: str) -> list[tuple[str, str]]:
    """Return each name that a text says is in a file, with the file."""
    return re.findall(r"`(\w+)`(?: of| in|, in) `([\w/]+\.py)`", text)


def is_defined(name: str, file: Path) -> bool:
    """Return whether a module defines a name; an import does not."""
    definition = rf"^\s*(?:(?:async )?def |class |\"(?={name}\"))?{name}\b\"? *[:=(\[]"
    return re.search(definition, file.read_text(), re.MULTILINE) is not None


def files_ending_in(path: str) -> list[Path]:
    """Return the files of the tree whose path ends so."""
    return [
        file
        for top in TOPS.split("|")
        for file in (ROOT / top).rglob(path.rpartition("/")[2])
        if f"/{file.relative_to(ROOT).as_posix()}".endswith(f"/{path}")
    ]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_the_index_lists_every_decision(page: Path) -> None:
    """In the order of the page, each with its date, its title and a link that leads there."""
    headings = re.findall(r"^## (\d{4}-\d\d-\d\d): (.+)$", page.read_text(), re.MULTILINE)
    assert headings
    assert indexed(page) == [(date, title, anchor(f"{date}: {title}")) for date, title in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_paths_in_pages_exist(page: Path) -> None:
    """Files, folders and patterns of the tree; short forms are tested in CONTRIBUTING.md."""
    assert [path for path in sorted(paths_in(page.read_text())) if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize(
    "page", [*PAGES, *DECISIONS, *GENERATED, ROOT / "benchmarks" / "README.md"], ids=lambda page: page.stem
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """To a file or folder, and to a heading of it where one is named."""
    dead = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _hash, fragment = link.partition("#")
        target = page.parent / path if path else page
        headings = (
            re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            if target.is_file() and fragment
            else []
        )
        if not target.exists() or (fragment and fragment not in map(anchor, headings)):
            dead.append(link)
    assert dead == []


def test_modules_in_contributing_exist() -> None:
    """Also where the folder is left out because the sentence has named it."""
    modules = set(re.findall(r"`([\w/]+\.py)`", CONTRIBUTING.read_text()))
    assert len(modules) > 50
    assert [module for module in sorted(modules) if not files_ending_in(module)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_are_in_the_files_that_pages_name(page: Path) -> None:
    """A table or a class that moved is looked for in vain where it was."""
    missing = [
        (name, path)
        for name, path in names_in_files(page.read_text())
        if not any(is_defined(name, file) for file in files_ending_in(path))
    ]
    assert missing == []


def test_the_checks_recognize_faults() -> None:
    """A path with an option, a pattern, a name in its file, and the fragment of a heading with code."""
    text = (
        "`runner/x.py`, `python tests/a.py -v`; `tests/b*.py`. `A` of `x/y.py`, `rows` in `z.py` and `run x`"
    )
    assert paths_in(text) == {"runner/x.py", "tests/a.py", "tests/b*.py"}
    assert names_in_files(text) == [("A", "x/y.py"), ("rows", "z.py")]
    assert anchor('2026-11-23: `isolation = "container"`') == "2026-11-23-isolation--container"
    assert files_ending_in("entry_file.py") == [ROOT / "runner" / "parsers" / "entry_file.py"]
    assert is_defined("MISTAKES", ROOT / "runner" / "reports" / "mistakes.py")
    assert not is_defined("MISTAKES", ROOT / "runner" / "reports" / "advice.py")
    assert files_ending_in("file.py") == files_ending_in("runner/entry_file.py") == []
