"""Figures as SVG files that adapt to the reader: text stays text, colours follow the colour scheme.

A figure is drawn in the light colours of `PALETTE`. The file's style sheet replaces each of them by its dark
partner where the reader prefers dark. A program without style sheets shows the light figure. The ground is
part of the figure, so that its text can be read wherever the file is shown.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

GROUND: Final = "#ffffff"
INK: Final = "#1f2328"
GRID: Final = "#d4d8dd"
BLUE: Final = "#0a5ba8"
ORANGE: Final = "#a8480a"
GREEN: Final = "#1f7033"
PURPLE: Final = "#7d3a8c"
PALETTE: Final[Mapping[str, str]] = {
    GROUND: "#1c1f26",
    INK: "#e6e8ee",
    GRID: "#40454f",
    BLUE: "#7cb7f7",
    ORANGE: "#f2a166",
    GREEN: "#7fd08f",
    PURPLE: "#d79be6",
}
"""Each colour on a light ground, and its partner on a dark ground. Contrast: at least 4.5:1, not the grid."""

_SVG: Final = "http://www.w3.org/2000/svg"
_SETTINGS: Final[Mapping[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def use_style() -> None:
    """Set matplotlib up to draw SVG files in the light colours, whatever the user's own settings are."""
    mpl.rcdefaults()
    mpl.use("svg")
    mpl.rcParams.update(_SETTINGS)


def save(figure: Figure, file: Path, *, title: str, description: str) -> None:
    """Write a figure; the same figure gives the same bytes.

    Args:
        figure: Drawn in colours of `PALETTE`; it is closed.
        file: Where it is written. Its name salts the names of the figure's parts.
        title: For screen readers, as `description`: what the figure shows.
        description: What a reader is meant to see in it.
    """
    drawn = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": file.stem}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    file.write_text(_adaptive(drawn.getvalue(), title, description), encoding="utf-8")


def _adaptive(svg: str, title: str, description: str) -> str:
    """Return matplotlib's file with a title, a description and colours for both schemes."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(svg)  # matplotlib's own output
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    root.set("role", "img")
    root.set("aria-labelledby", "title description")
    for place, (name, text, attributes) in enumerate(
        [
            ("title", title, {"id": "title"}),
            ("desc", description, {"id": "description"}),
            ("style", dark_style(), {}),
        ]
    ):
        part = ElementTree.Element(f"{{{_SVG}}}{name}", attributes)
        part.text, part.tail = text, "\n"
        root.insert(place, part)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def dark_style() -> str:
    """Return the rules that replace each light colour where the reader prefers dark."""
    rules = "".join(
        f'\n  [style*="{part}: {light}"] {{ {part}: {dark} !important }}'
        for light, dark in PALETTE.items()
        for part in ("fill", "stroke")
    )
    return f"\n@media (prefers-color-scheme: dark) {{{rules}\n}}\n"
