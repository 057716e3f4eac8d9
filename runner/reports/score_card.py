"""Tables of score cards and of rankings: the score, what it is worth, and what others would measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from runner.reports.cells import percent, plain_text
from runner.reports.columns import DEFAULT_WIDTH, REQUIRED, SUBMISSION_WIDTH, Column, fitted_table
from runner.reports.probe_rows import NOT_RECORDED, Row, null_rows, probe_rows
from runner.results.view import MIN_SCORED_RUNS
from runner.wording import quantity
from scoring.card.levels import FALSE_ALARMS, Level, flag_level
from scoring.outputs import SPLITS

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison
    from scoring.statistics.interval import Interval


_LEVEL_STYLES: Final = {"problem": "red", "suspicion": "yellow", "note": ""}


def card_title(card: ScoreCard, name: str) -> Text:
    """Return the line above the table of a card."""
    return plain_text(f"{name}: {quantity(card.n, 'run')}, {quantity(card.references, 'reference')}")


def card_table(card: ScoreCard) -> Table:
    """Return all numbers of a card, one in a row; docs/metrics.md defines them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("number", no_wrap=True)
    table.add_column("value", no_wrap=True)
    table.add_column("how to read it", overflow="fold")
    for row in card_rows(card):
        table.add_row(*row)
    return table


def card_rows(card: ScoreCard) -> list[Row]:
    """Return all numbers of a card: the published ones, what they are worth, what others would measure."""
    return [*_published(card), *_worth(card), *_wider(card), *null_rows(card), *probe_rows(card)]


def card_remarks(card: ScoreCard, *, run_time_requested: bool = False) -> list[Text]:
    """Return a line for each flag, problems first, and for each part that could not be computed.

    Args:
        card: The score card.
        run_time_requested: Report a missing run time too. Without the time of retraining there is none, and
            most challenges do not need it.
    """
    lines = []
    if card.n < MIN_SCORED_RUNS:
        lines.append(Text(f"{quantity(card.n, 'run')}: too few for a score; use {MIN_SCORED_RUNS} or more."))
    flags = [(flag_level(flag.kind, flag.sentence), flag) for flag in card.flags]
    lines += [
        Text(f"{level} {flag.kind}: {flag.sentence} {_false_alarms(level, flag.kind)}".rstrip(), style=style)
        for shown, style in _LEVEL_STYLES.items()
        for level, flag in flags
        if level == shown
    ]
    without_probe = [name for name, why in card.omitted.items() if why.startswith(NOT_RECORDED)]
    lines += [
        Text(f"no {name.replace('_', ' ')}: {why}")
        for name, why in card.omitted.items()
        if name not in without_probe and (name != "run_time" or run_time_requested)
    ]
    if without_probe:
        names = ", ".join(name.replace("_", " ") for name in without_probe)
        lines.append(Text(f"no {names}: the challenge does not record what they need."))
    return lines


def _false_alarms(level: Level, kind: str) -> str:
    return FALSE_ALARMS.get(kind, "") if level == "suspicion" else ""


def comparison_table(
    names: Sequence[str], cards: Sequence[ScoreCard], comparison: Comparison, width: int = DEFAULT_WIDTH
) -> Table:
    """Return the ranks; submissions whose difference is within the noise share one.

    The interval of a score is the card's. The comparison has intervals of its own, which are wider because
    their variance is not reduced to that of the whole sample; only those of the differences are shown.
    """
    ranking = comparison.score
    best = max(range(len(names)), key=lambda at: float(ranking.value[at]))
    order = sorted(range(len(names)), key=lambda row: (int(ranking.rank[row]), -float(ranking.value[row])))
    others = [at != best for at in order]
    behind = [
        f"{ranking.difference[best, at]:.4f}" if other else ""
        for at, other in zip(order, others, strict=True)
    ]
    intervals = [
        f"{ranking.difference_low[best, at]:.4f} to {ranking.difference_high[best, at]:.4f}" if other else ""
        for at, other in zip(order, others, strict=True)
    ]
    p_values = [
        f"{ranking.p[best, at]:.3g}" if other else "" for at, other in zip(order, others, strict=True)
    ]

    def figures(title: str, cells: Sequence[str], importance: int) -> Column:
        return Column(title=title, cells=cells, importance=importance, right=True)

    return fitted_table(
        [
            figures("rank", [str(int(ranking.rank[at])) for at in order], REQUIRED),
            Column(
                title="submission",
                cells=[plain_text(names[at]) for at in order],
                importance=REQUIRED,
                shrinks_to=SUBMISSION_WIDTH,
            ),
            figures("score", [f"{ranking.value[at]:.4f}" for at in order], REQUIRED),
            figures("95 %", [_interval(cards[at]) for at in order], 3),
            figures("behind", behind, 4),
            figures("95 % of it", intervals, 1),
            figures("p", p_values, 2),
        ],
        width,
        title="Ranks (a difference within the noise is a tie)",
    )


def _interval(card: ScoreCard) -> str:
    if card.uncertainty is None:
        return ""
    return f"{card.uncertainty.score.low:.4f} to {card.uncertainty.score.high:.4f}"


def _published(card: ScoreCard) -> Iterator[Row]:
    published, intervals = card.published, card.uncertainty
    yield (
        "score",
        _value(published.score, intervals.score if intervals is not None else None),
        "the contest's; higher is better",
    )
    yield (
        "score, clipped",
        f"{published.score_clipped:.4f}",
        "with accuracies above the references' not rewarded",
    )
    quality = _value(
        published.forgetting_quality, intervals.forgetting_quality if intervals is not None else None
    )
    yield "forgetting quality F", quality, "higher is better; perfect unlearning reaches the ceiling, not 1"
    yield (
        "retain ratio",
        _value(published.retain_ratio, intervals.retain_ratio if intervals is not None else None),
        "accuracy over references'",
    )
    yield (
        "test ratio",
        _value(published.test_ratio, intervals.test_ratio if intervals is not None else None),
        "accuracy over references'",
    )
    yield "mean epsilon", f"{published.epsilon_mean:.3f}", "nats, capped at 50; lower is better"


def _worth(card: ScoreCard) -> Iterator[Row]:
    if card.ceiling is not None:
        limit = card.ceiling.quality
        yield "ceiling", _value(limit.estimate, limit), "F that references get against references"
    if card.share_of_ceiling is not None:
        share = card.share_of_ceiling
        yield "F over ceiling", _value(share.estimate, share), "1 is perfect unlearning"
    if card.uncertainty is not None:
        rerun = (
            f"{card.uncertainty.rerun_standard_deviation:.4f} ({percent(card.uncertainty.rerun_relative)})"
        )
        yield "rerun noise", rerun, "standard deviation of the score if only the runs were executed again"
    yield (
        "exact epsilon, F",
        f"{card.exact.epsilon_mean:.3f}, {card.exact.forgetting_quality:.4f}",
        "without a grid of thresholds",
    )
    if card.held_out is not None:
        held = card.held_out
        yield (
            "held-out epsilon",
            f"{held.epsilon_mean:.3f}",
            "rule chosen on other models; about 0.3 for perfect unlearning",
        )
        certified = f"{held.certified_most:.3f} on {held.certified_examples} of {card.examples}"
        yield (
            "certified epsilon",
            certified,
            f"lower bound, right for all examples at {percent(card.confidence)}",
        )
    if card.joint is not None:
        joint = card.joint
        areas = f"{joint.auc_svm:.3f}, {joint.auc_trees:.3f} (p = {joint.p_value:.3g})"
        yield "joint attack, AUC", areas, "support vectors, trees; 0.5 is chance"


def _wider(card: ScoreCard) -> Iterator[Row]:
    percentiles = card.klom.percentiles
    yield (
        "KLoM",
        f"{card.klom.mean:.3f} (95th percentile {percentiles['95']:.3f})",
        "divergence of margins, nats; lower is better",
    )
    if card.u_lira is not None:
        lira = f"{card.u_lira.accuracy_mean:.3f}, AUC {card.u_lira.auc_mean:.3f}"
        yield "U-LiRA, accuracy", lira, "0.5 is chance"
    if card.membership is not None:
        member = card.membership
        accuracy = f"{member.mean:.3f} ± {member.deviation:.3f}"
        rest = f"references {member.reference_mean:.3f} ± {member.reference_deviation:.3f}"
        yield "loss MIA, accuracy", accuracy, f"the starting kit's; {rest}"
    yield "ToW", f"{card.tug_of_war:.4f}", "agreement of accuracies; 1 is equal"
    table = card.accuracies
    for at, split in enumerate(SPLITS):
        unlearned, references = table.unlearned_splits, table.reference_splits
        yield (
            f"accuracy, {split}",
            f"{unlearned.mean[at]:.4f} ± {unlearned.deviation[at]:.4f}",
            f"references {references.mean[at]:.4f} ± {references.deviation[at]:.4f}",
        )
    if card.run_time is not None:
        time = f"{percent(card.run_time.median, 1)} (slowest {percent(card.run_time.most, 1)})"
        rule = "the contest rejected more than 20 %"
        if card.run_time.allowed is not None:
            rule = f"the challenge allows {percent(card.run_time.allowed)}"
        processor = card.run_time.processor
        decides = processor is not None and card.run_time.allowed is not None
        yield "run time", time, "of retraining, by the clock" if decides else f"of retraining; {rule}"
        if processor is not None:
            share = f"{percent(processor.median, 1)} (most {percent(processor.most, 1)})"
            yield "processor time", share, f"of retraining{f'; {rule}' if decides else ''}"


def _value(value: float, interval: Interval | None) -> str:
    if interval is None:
        return f"{value:.4f}"
    return f"{value:.4f}  [{interval.low:.4f}, {interval.high:.4f}]"
