"""Figures for monitoring: the text is what its format allows, and says what the store has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from runner.cli.main import run_words
from runner.contest.metrics import Gauge, competition_gauges
from runner.errors import ConfigurationError
from tests.runner.contest.conftest import NAME, Contest

Sample = tuple[str, frozenset[tuple[str, str]]]
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})\{{((?:{_LABEL},?)*)\}} (\S+)")


def parse(text: str) -> dict[Sample, float]:
    """Parse the text format strictly: each name has its help and type first, no sample comes twice.

    Source: "Exposition formats", prometheus.io/docs, text format 0.0.4.
    """
    assert text.endswith("\n")
    samples: dict[Sample, float] = {}
    helped: set[str] = set()
    typed: list[str] = []
    for line in text[:-1].split("\n"):
        if help_line := re.fullmatch(rf"# HELP ({_NAME}) (?:[^\\\n]|\\[\\n])+", line):
            assert help_line[1] not in helped
            helped.add(help_line[1])
        elif type_line := re.fullmatch(rf"# TYPE ({_NAME}) gauge", line):
            assert type_line[1] in helped
            assert type_line[1] not in typed
            typed.append(type_line[1])
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None, line
            assert sample[1] == typed[-1], "samples of a name follow its type"
            key = sample[1], frozenset(_labels(sample[2]))
            assert key not in samples
            samples[key] = float(sample[5])
    return samples


def _labels(text: str) -> Iterator[tuple[str, str]]:
    for name, value in re.findall(_LABEL, text):
        yield name, re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value)


def sample(name: str, **labels: str) -> Sample:
    return f"unlearn_competition_{name}", frozenset({"competition": NAME, **labels}.items())


def typed(contest: Contest, *options: str) -> None:
    run_words(["competition", "status", str(contest.folder), "--store", str(contest.store_folder), *options])


def test_the_figures_are_those_of_the_store(contest: Contest, capsys: pytest.CaptureFixture[str]) -> None:
    """Entries by state, hand-ins of a day, the age of the queue, teams and disk; names of teams are not there."""
    contest.hand_in("alpha")
    contest.hand_in("beta", code="CRASH")
    contest.hand_in("gamma", suffix=".txt")
    contest.sync()
    contest.work(1)
    capsys.readouterr()
    typed(contest, "--metrics")
    text = capsys.readouterr().out
    samples = parse(text)
    states = {
        state: samples[sample("entries", phase="feedback", state=state)]
        for state in ("scored", "queued", "refused", "held")
    }
    assert states == {"scored": 1, "queued": 1, "refused": 1, "held": 0}
    assert samples[sample("entries_received_last_day", phase="feedback")] == 3
    assert samples[sample("entries_received_last_day", phase="final")] == 0
    assert samples[sample("queue_oldest_seconds", phase="feedback")] > 0
    assert samples[sample("queue_oldest_seconds", phase="final")] == 0
    assert samples[sample("teams")] == 3
    assert samples[sample("paused")] == 0
    assert 0 < samples[sample("disk_free_bytes")] <= samples[sample("disk_total_bytes")]
    assert "alpha" not in text
    assert "mine" not in text


def test_json_and_metrics_exclude_each_other(contest: Contest) -> None:
    """Two formats at once are refused in a sentence."""
    with pytest.raises(ConfigurationError, match="choose one"):
        typed(contest, "--metrics", "--json")


def test_any_name_of_a_competition_can_be_parsed() -> None:
    """Quotes, backslashes and line feeds in a label come back as they were; so does a long name."""
    name = 'a "b" \\n c\n' + "d" * 500
    gauge = Gauge(name="teams", help="A \\ b\nc.", values=[({"competition": name}, 1.0)])
    (labels,) = (labels for _name, labels in parse("".join(f"{line}\n" for line in gauge.lines())))
    assert dict(labels) == {"competition": name}


def test_old_queued_entries_are_stuck(contest: Contest) -> None:
    """What waits for two days is counted as stuck, is the oldest, and is no hand-in of the last day."""
    contest.hand_in("alpha")
    contest.sync()
    gauges = competition_gauges(
        NAME,
        ["feedback"],
        contest.entries(),
        paused=True,
        teams=3,
        free_bytes=1,
        total_bytes=2,
        now=datetime.now(UTC) + timedelta(days=2),
    )
    values = {gauge.name: gauge.values[0][1] for gauge in gauges}
    assert values["stuck_entries"] == 1
    assert values["entries_received_last_day"] == 0
    assert values["queue_oldest_seconds"] >= 2 * 86400
    assert values["paused"] == 1
