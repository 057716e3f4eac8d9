"""Write the pages that come from the code: ``python -m website.generate``.

They are committed: whoever changes an option or a field shows it to reviewers and readers in the same diff. A
test fails where they are not up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from runner.reports.advice import table
from website.commands import commands_page
from website.formats import formats_page

ROOT: Final = Path(__file__).parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
PARTICIPANTS: Final = ROOT / "docs" / "participants.md"
NOTE: Final = "<!-- Written by `python -m website.generate`; change the code, not this page. -->\n\n"

PAGES: Final[Mapping[str, Callable[[], str]]] = {"commands.md": commands_page, "files.md": formats_page}
"""Names in `REFERENCE`, and what renders each page."""


def rendered(name: str) -> str:
    """Return the text of a generated page as it should be."""
    return NOTE + PAGES[name]()


def with_mistakes(page: str) -> str:
    """Return the participants' page with the table of mistakes that the program gives advice on.

    Raises:
        ValueError: the page has no such table.
    """
    before, head, rest = page.partition("| message | cause and remedy |\n")
    if not head:
        raise ValueError(f"{PARTICIPANTS} has no table of mistakes.")
    rows = re.match(r"(?:\|.*\n)*", rest)
    assert rows is not None
    return before + table() + rest[rows.end() :]


def main() -> None:
    """Write all generated pages, and the table of mistakes."""
    REFERENCE.mkdir(exist_ok=True)
    for name in PAGES:
        (REFERENCE / name).write_text(rendered(name), encoding="utf-8")
    PARTICIPANTS.write_text(with_mistakes(PARTICIPANTS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
