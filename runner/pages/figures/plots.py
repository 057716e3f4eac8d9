"""The figures of an evaluation: epsilons, confidences on an example, time and memory of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup

from runner.pages.figures.svg import INKS, drawing, svg_markup
from runner.reports.views.report_model import ConfidenceBin, EpsilonBin

_WIDTH: Final = 340
"""Of a figure as wide as a phone, in pixels: on a larger screen it grows a little."""
_HEADROOM: Final = 1.08
_GOLDEN: Final = 0.6180339887498949
_MANY_RUNS: Final = 200
_MOST_DOTS: Final = 1000
"""Of a lane; of more values those at evenly spaced ranks are drawn, the extremes among them."""
_FAR: Final = 2.5
"""A limit beyond this multiple of all values is named, not drawn: the values would be one spot."""


def epsilon_figure(
    bins: Sequence[EpsilonBin], *, prefix: str, title: str, most: float | None = None
) -> Markup:
    """Return a histogram of the forget examples by epsilon, with that of references behind it.

    Args:
        bins: The last one is open.
        prefix: Of its ids.
        title: What it shows.
        most: End of the vertical axis, as a share; the largest share by default.
    """
    shares = [max(each.unlearned, each.references or 0.0) for each in bins]
    with drawing(prefix):
        figure, axes = _axes(_WIDTH, 200, left=44, bottom=46, right=6, top=10)
        positions = range(len(bins))
        with_references = all(each.references is not None for each in bins)
        if with_references:
            axes.bar(
                positions,
                [100 * (each.references or 0.0) for each in bins],
                width=0.96,
                color=INKS["references"],
                clip_on=False,
            )
        heights = [100 * each.unlearned for each in bins]
        axes.bar(
            positions, heights, width=0.5 if with_references else 0.84, color=INKS["unlearned"], clip_on=False
        )
        axes.set_xlim(-0.6, len(bins) - 0.4)
        axes.set_ylim(0, 100 * _HEADROOM * (most or max(shares)))
        ticks = [position for position in positions if bins[position].low % 1 == 0 and bins[position].high]
        last = len(bins) - 1
        axes.set_xticks(
            [*(position - 0.5 for position in ticks), last],
            [*(f"{bins[position].low:g}" for position in ticks), "more"],
        )
        axes.set_xlabel("epsilon, in nats", labelpad=4)
        _percent_axis(axes)
        return svg_markup(figure, prefix=prefix, title=title)


def confidence_figure(bins: Sequence[ConfidenceBin], *, prefix: str, title: str) -> Markup:
    """Return the densities of both populations' confidence on a forget example.

    Args:
        bins: Of equal width.
        prefix: Of its ids.
        title: What it shows.
    """
    edges = [bins[0].low, *(each.high for each in bins)]
    unlearned, references = [each.unlearned for each in bins], [each.references for each in bins]
    with drawing(prefix):
        figure, axes = _axes(210, 110, left=8, bottom=24, right=8, top=6)
        axes.stairs(references, edges, fill=True, color=INKS["references"], clip_on=False)
        axes.stairs(unlearned, edges, fill=True, color=INKS["unlearned"], alpha=0.25, clip_on=False)
        axes.stairs(unlearned, edges, color=INKS["unlearned"], linewidth=1.6, clip_on=False)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, _HEADROOM * max(*unlearned, *references))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        _few_ticks(axes, 4)
        return svg_markup(figure, prefix=prefix, title=title)


def strip_figure(
    lanes: Sequence[tuple[str, Sequence[float]]],
    *,
    limit: float | None,
    unit: str,
    prefix: str,
    title: str,
    alike: bool = False,
) -> Markup:
    """Return a dot for each run on one axis, a lane for each group, with the limit as a line.

    Args:
        lanes: Word and values of each group; a word of this project.
        limit: In the unit of the values; None without.
        unit: Written at the axis.
        prefix: Of its ids.
        title: What it shows.
        alike: Draw all lanes alike; else those after the first are of runs that failed.
    """
    largest = max(max(values, default=0.0) for _word, values in lanes)
    drawn = limit is not None and limit <= _FAR * largest
    with drawing(prefix):
        figure, axes = _axes(_WIDTH, 66 + 44 * len(lanes), left=44, bottom=42, right=12, top=20)
        for lane, (word, all_values) in enumerate(lanes):
            values = _thinned(all_values)
            # spread by a fixed rule, so that equal values are seen as several
            heights = [lane + 0.62 * ((at * _GOLDEN) % 1 - 0.5) for at in range(len(values))]
            axes.plot(
                values,
                heights,
                "o" if alike or lane == 0 else "D",
                color=INKS["unlearned"] if alike or lane == 0 else INKS["limit"],
                markersize=3.5 if len(values) > _MANY_RUNS else 5,
                alpha=0.55,
                markeredgewidth=0,
                clip_on=False,
            )
            axes.text(
                -0.02,
                lane,
                word,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                color=INKS["ink"],
            )
        axes.set_xlim(0, 1.04 * max(largest, limit if drawn and limit is not None else 0.0) or 1.0)
        axes.set_ylim(len(lanes) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        if drawn and limit is not None:
            axes.axvline(limit, color=INKS["limit"], linewidth=1.5, linestyle=(0, (4, 3)), clip_on=False)
            axes.text(limit, -0.58, f"limit {limit:g} ", ha="right", va="bottom", color=INKS["limit"])
        elif limit is not None:
            axes.text(
                1,
                1.04,
                f"limit {limit:g}, further right →",
                transform=axes.transAxes,
                ha="right",
                va="bottom",
                color=INKS["quiet"],
            )
        _few_ticks(axes, 5)
        axes.set_xlabel(unit, labelpad=3)
        return svg_markup(figure, prefix=prefix, title=title)


def _thinned(values: Sequence[float]) -> Sequence[float]:
    """Return values that look like all of them in a strip plot."""
    if len(values) <= _MOST_DOTS:
        return values
    ordered, last = sorted(values), len(values) - 1
    return [ordered[round(at * last / (_MOST_DOTS - 1))] for at in range(_MOST_DOTS)]


def _axes(width: float, height: float, *, left: float, bottom: float, right: float, top: float) -> Any:  # noqa: ANN401 - matplotlib has no types
    """Return a figure and its axes, with margins in pixels: nothing depends on the fonts of this host."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )
    axes.tick_params(length=4, pad=4)
    return figure, axes


def _percent_axis(axes: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - takes half a second

    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g} %"))
    axes.yaxis.grid(visible=True, color=INKS["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _few_ticks(axes: Any, count: int) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - takes half a second

    axes.xaxis.set_major_locator(MaxNLocator(nbins=count, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _position: f"{round(value, 6):g}".replace("-", "\N{MINUS SIGN}"))
    )
