"""The plots of the pages can be read in both colour schemes and by screen readers, and are repeatable."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot as plt

from benchmarks.plots.figures import BLUE, GRID, GROUND, ORANGE, PALETTE, save, use_style
from tests.support.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
PLOTS = sorted((ROOT / "docs" / "plots").glob("*.svg"))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def drawn(folder: Path, name: str = "figure") -> str:
    """Draw a figure with marks, a legend and a logarithmic axis."""
    use_style()
    figure, axes = plt.subplots(layout="constrained")
    axes.plot([1, 10], [1, 100], "o-", color=BLUE, label="a < b & c")
    axes.fill_between([1, 10], [1, 10], color=ORANGE, alpha=0.2)
    axes.set(title="models on each side")
    axes.legend()
    file = folder / f"{name}.svg"
    save(figure, file, title="Two & three", description="It <grows>.")
    return file.read_text(encoding="utf-8")


def colours(svg: str) -> set[str]:
    """The colours of a figure's parts: what its style attributes set, none for its style sheets."""
    return set(re.findall(r"#[0-9a-f]{6}", " ".join(re.findall(r' style="([^"]*)"', svg))))


def test_the_contrast_is_known_to_be_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", sorted(PALETTE.keys() - {GROUND, GRID}))
def test_colours_are_legible_in_both_schemes(colour: str) -> None:
    assert contrast(colour, GROUND) >= 4.5
    assert contrast(PALETTE[colour], PALETTE[GROUND]) >= 4.5


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    """No date, no version, no random names; the parts of another file have other names."""
    first = drawn(tmp_path)
    assert drawn(tmp_path) == first
    assert "metadata" not in first
    assert "Matplotlib" not in first
    clips = re.findall(r"url\(#(\w+)\)", first)
    assert clips
    assert not set(clips) & set(re.findall(r"url\(#(\w+)\)", drawn(tmp_path, "other")))


def test_text_is_text_and_described(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"a < b & c", "models on each side"} <= set(texts)
    assert (root.get("role"), root.findtext(f"{SVG}title")) == ("img", "Two & three")
    assert root.findtext(f"{SVG}desc") == "It <grows>."


@pytest.mark.parametrize("file", PLOTS, ids=lambda file: file.stem)
def test_plots_of_the_pages_are_made_so(file: Path) -> None:
    """Each colour has a dark partner, texts are texts, and the page that shows the plot has a text in its place."""
    svg = file.read_text(encoding="utf-8")
    assert GROUND in colours(svg) <= PALETTE.keys()
    for light, dark in PALETTE.items():
        assert f'[style*="fill: {light}"] {{ fill: {dark} !important }}' in svg
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter(f"{SVG}text"))) > 15
    assert len(root.findtext(f"{SVG}desc") or "") > 100
    assert re.search(rf"!\[[^]]{{40,}}\]\(plots/{file.name}\)", (ROOT / "docs" / "metrics.md").read_text())
