"""The tables of docs/integrity.md, written again from the stored report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.integrity.report import HONEST, flags_by_data, rates, table

_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "docs" / "integrity.md"
STORED: Final = _ROOT / "benchmarks" / "data" / "integrity.json"
_TABLE: Final = re.compile(r"(?<=<!-- table: )(\w+) -->\n\n?(?:\|.*\n)*\n?")


def stored_report() -> dict[str, Any]:
    """Return the report that is in the tree."""
    data: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return data


def with_tables(page: str, data: Mapping[str, Any]) -> str:
    """Return the page with the tables of a report, each below the comment that names it.

    Raises:
        ValueError: the page does not name each table once.
    """
    data_sets = data["data_sets"]
    digits, mnist, resnet18 = (data_sets[name] for name in ("digits", "mnist", "resnet18"))
    samples, honest = ("honest", "retrained", "gains little", "nothing"), {"honest ones": HONEST}
    tables = {
        "cheats": table(digits, ("cheat",)),
        "little": table(digits, ("gains little", "nothing")),
        "honest": table(digits, ("honest", "twin"), total={"all together": ("honest", "twin")}),
        "retrained": table(digits, ("retrained",), total={"with all honest submissions above": HONEST}),
        "rates": rates(digits, HONEST),
        "data": flags_by_data(data_sets),
        "mnist": table(mnist, samples, total=honest),
        "rates_mnist": rates(mnist, HONEST),
        "resnet18": table(resnet18, samples, total=honest),
        "rates_resnet18": rates(resnet18, HONEST),
    }
    names = [match[1] for match in _TABLE.finditer(page)]
    if sorted(names) != sorted(tables):
        raise ValueError(f"The page has the tables {names}, but should have {sorted(tables)}.")
    changed = _TABLE.sub(lambda match: "\n".join((f"{match[1]} -->", "", *tables[match[1]], "", "")), page)
    return changed.rstrip("\n") + "\n"


def write_page() -> None:
    """Write the tables of the stored report into the page."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), stored_report()), encoding="utf-8")
