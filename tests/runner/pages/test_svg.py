"""Figures as markup: classes in place of colours, nothing of the user's settings, nothing that is unknown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.pages.figures.plots import confidence_figure, epsilon_figure, strip_figure
from runner.pages.figures.svg import INKS, drawing, svg_markup
from runner.pages.style import style_sheet
from runner.reports.views.report_model import ConfidenceBin, EpsilonBin


def strip(prefix: str = "time", limit: float | None = 3.0) -> str:
    lanes = [("ok", [1.0, 2.0, 2.5]), ("failed", [0.5])]
    return strip_figure(lanes, limit=limit, unit="seconds", prefix=prefix, title="Time")


def test_a_figure_has_no_style_and_its_own_ids() -> None:
    """Colours are classes of the style sheet; ids begin with the figure's prefix."""
    svg = strip()
    assert "style" not in svg
    assert "#0" not in svg
    assert svg.startswith('<svg viewBox="0 0 340 ')
    assert 'role="img" aria-labelledby="time-title"><title id="time-title">Time</title>' in svg
    assert all(name.startswith("time-") for name in re.findall(r'id="([^"]+)"', svg))
    classes = {word for text in re.findall(r'class="([^"]+)"', svg) for word in text.split()}
    assert classes
    assert all(re.search(rf"\.{name}\b", style_sheet()) for name in classes)


def test_figures_differ_in_their_ids_alone() -> None:
    """Two of them can stand in one page."""
    assert strip("a-1").replace("a-1", "b-1") == strip("b-1")


def test_every_ink_has_its_classes() -> None:
    """For shapes and for lines."""
    for name in INKS:
        assert f".fill-{name}" in style_sheet()
        assert f".stroke-{name}" in style_sheet()


def test_another_colour_is_an_error() -> None:
    """It would be the same in light and dark."""
    from matplotlib.figure import Figure

    with drawing("x"):
        figure = Figure()
        figure.add_axes((0, 0, 1, 1)).plot([1, 2], color="#ff0000")
        with pytest.raises(ValueError, match="#ff0000"):
            svg_markup(figure, prefix="x", title="x")


def test_the_users_settings_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of this process nor a file where the command is typed."""
    import matplotlib as mpl

    expected = strip()
    with mpl.rc_context(
        {"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red", "lines.linewidth": 9}
    ):
        assert strip() == expected


def test_a_limit_is_drawn_or_named() -> None:
    """Far beyond all values it would make them one spot."""
    assert "limit 3" in strip()
    assert "further right" not in strip()
    assert "limit 60, further right" in strip(limit=60.0)
    assert "limit" not in strip(limit=None).replace("fill-limit", "").replace("stroke-limit", "")


def test_degenerate_data_have_a_figure() -> None:
    """All values equal, all in one bin, references unknown."""
    bins = [
        EpsilonBin(low=0, high=0.5, points=1, unlearned=0, references=None),
        EpsilonBin(low=0.5, high=None, points=0, unlearned=1.0, references=None),
    ]
    assert "<svg" in epsilon_figure(bins, prefix="e", title="e")
    single = [ConfidenceBin(low=0, high=1, unlearned=1, references=1)]
    assert "<svg" in confidence_figure(single, prefix="c", title="c")
    zero = strip_figure([("ok", [0.0])], limit=0.0, unit="s", prefix="z", title="z")
    assert "<svg" in zero
